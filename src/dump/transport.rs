//! What the network and the recorder did to a track's packets, in numbers.

use serde::Serialize;

/// Counts over a whole packet dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Transport {
    /// RTP packets in the file.
    pub packets: u64,
    /// Sequence numbers that never came.
    pub lost: u64,
    /// Came after a packet that was sent later.
    pub reordered: u64,
    pub duplicates: u64,
    /// Of the reordered ones, those that came so late that they must have been sent again.
    pub retransmitted: u64,
    /// Came when their place had already been given up.
    pub too_late: u64,
    /// Jumps of the sender's timestamps or sequence numbers that no time of receipt supports.
    pub restarts: u64,
    pub ssrc_changes: u64,
    pub codec_changes: u64,
    /// Packets that belong to no stream of this track: another payload type, or a source seen only in passing.
    pub foreign: u64,
    /// Packets that are not RTP, or whose payload is not what its codec prescribes.
    pub malformed: u64,
    /// Packets whose timestamps fit neither what came before nor what came after; their neighbours tell their place.
    pub absurd: u64,
    /// Pictures that were not given to the decoder, since something they build on was lost.
    pub withheld: u64,
    /// Packets of sound that were recovered from redundant copies.
    pub recovered: u64,
    /// Packets of sound that were lost and are concealed by the decoder.
    pub concealed: u64,
}
