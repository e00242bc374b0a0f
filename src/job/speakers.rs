//! Who spoke when, for people and players: WebVTT beside the recording, and the same in the report.

use serde::Serialize;

use crate::{
    composition::Plan,
    media::{PeerId, Tick},
    session::Manifest,
};

/// A stretch of the recording in which one peer is the speaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpokenBy {
    pub peer_id: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Since the start of the recording.
    pub start_ms: i64,
    pub end_ms: i64,
}

/// The speakers of a recording, in order.
pub fn speakers(plan: &Plan, manifest: &Manifest) -> Vec<SpokenBy> {
    let millis = |tick: Tick| plan.ticks_per_second.time_of(tick).since_start().millis();
    let name = |id: &PeerId| manifest.peers.iter().find(|peer| peer.id == *id)?.name.clone();
    let spoken = plan.speakers.iter().map(|speaker| SpokenBy {
        name: name(&speaker.peer_id),
        peer_id: speaker.peer_id.clone(),
        start_ms: millis(speaker.start),
        end_ms: millis(speaker.end),
    });
    spoken.collect()
}

/// The speakers as WebVTT: a cue for each turn.
pub fn webvtt(speakers: &[SpokenBy]) -> String {
    let cue = |spoken: &SpokenBy| {
        let name = escaped(spoken.name.as_deref().unwrap_or(spoken.peer_id.as_str()));
        format!(
            "\n{} --> {}\n<v {name}>{name}</v>\n",
            stamp(spoken.start_ms),
            stamp(spoken.end_ms)
        )
    };
    "WEBVTT\n".to_owned() + &speakers.iter().map(cue).collect::<String>()
}

fn stamp(millis: i64) -> String {
    let seconds = millis / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    )
}

/// Names come from strangers: nothing in them may end a line or be taken for markup.
fn escaped(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_turn_is_a_cue() {
        let spoken = |name: Option<&str>, start_ms, end_ms| SpokenBy {
            peer_id: PeerId::new("p1"),
            name: name.map(str::to_owned),
            start_ms,
            end_ms,
        };
        let speakers = [
            spoken(Some("A <b>\n& co"), 750, 61_040),
            spoken(None, 61_040, 3_725_000),
        ];
        let expected = "WEBVTT\n\n00:00:00.750 --> 00:01:01.040\n<v A &lt;b&gt; &amp; co>A &lt;b&gt; &amp; co</v>\n\n\
                        00:01:01.040 --> 01:02:05.000\n<v p1>p1</v>\n";
        assert_eq!(webvtt(&speakers), expected);
    }
}
