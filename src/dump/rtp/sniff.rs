//! What payloads look like, for dumps whose headers lie and for senders that change codec on the way.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{StreamSettings, av1, h264, red, vp8, vp9};
use crate::media::Codec;

const VIDEO: [Codec; 4] = [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];

/// Whether a payload is clearly the beginning of a keyframe of `codec`.
pub fn begins_keyframe(codec: Codec, payload: &Bytes) -> bool {
    match codec {
        Codec::Vp8 => vp8::is_keyframe(payload),
        Codec::Vp9 => vp9::is_keyframe(payload),
        Codec::H264 => h264::has_sequence_parameters(payload),
        Codec::Av1 => av1::begins_sequence(payload),
        Codec::Opus | Codec::Aac => false,
    }
}

/// The codec of video that a payload clearly begins a keyframe of.
pub fn codec_of(payload: &Bytes) -> Option<Codec> {
    VIDEO.into_iter().find(|codec| begins_keyframe(*codec, payload))
}

/// Whether a payload is redundant audio around payloads of type `inner`.
pub fn is_red_around(inner: u8, payload: &Bytes) -> bool {
    red::parse(payload).is_some_and(|redundant| redundant.payload_type == inner && !redundant.copies.is_empty())
}

/// Settings for the stream that most of the first payloads, by payload type, belong to.
///
/// A `codec` that none of them confirms gives way to one that they show clearly.
pub fn settings(payloads: &BTreeMap<u8, Vec<Bytes>>, codec: Option<Codec>, red: Option<u8>) -> Option<StreamSettings> {
    let all = || payloads.values().flatten();
    let seen = match codec {
        Some(codec) if all().any(|payload| begins_keyframe(codec, payload)) => None,
        Some(Codec::Opus | Codec::Aac) => None,
        _ => all().find_map(codec_of),
    };
    let codec = seen.or(codec)?;
    let (red, inner) = match red {
        None if codec == Codec::Opus => redundant(payloads).unzip(),
        known => (known, None),
    };
    let usual = payloads.iter().filter(|(payload_type, _)| Some(**payload_type) != red);
    let usual = usual
        .max_by_key(|(_, payloads)| payloads.len())
        .map(|(payload_type, _)| *payload_type);
    let payload_type = inner.or(usual).unwrap_or_default();
    Some(StreamSettings {
        codec,
        payload_type,
        red,
    })
}

/// The payload type of redundant audio, and that of what it carries.
fn redundant(payloads: &BTreeMap<u8, Vec<Bytes>>) -> Option<(u8, u8)> {
    payloads.iter().find_map(|(payload_type, payloads)| {
        let inner = red::parse(payloads.first()?)?.payload_type;
        let all = payloads
            .iter()
            .all(|payload| red::parse(payload).is_some_and(|red| red.payload_type == inner));
        let some = payloads.iter().any(|payload| is_red_around(inner, payload));
        (all && some && inner != *payload_type).then_some((*payload_type, inner))
    })
}
