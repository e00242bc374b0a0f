//! Choosing the output rate: the lowest that shows every frame of the cameras on screen.

use super::{pace::pace, planner::Material, windows::windows};
use crate::{
    media::{Source, Spans, TickRate},
    timeline::TrackTimeline,
};

/// The lowest usual rate that loses no frame of a camera that `is_seen`; the highest where each loses some. Screens count
/// where there is no such camera.
pub fn choose(material: &Material<'_>, kept: &Spans, is_seen: impl Fn(&TrackTimeline) -> bool) -> TickRate {
    let video = || {
        material
            .timeline
            .tracks
            .iter()
            .filter(|track| track.is_video() && track.is_alive() && is_seen(track))
    };
    let mut deciding: Vec<&TrackTimeline> = video().filter(|track| track.source == Source::Camera).collect();
    if deciding.is_empty() {
        deciding = video().collect();
    }
    let [lower @ .., highest] = TickRate::CANDIDATES;
    lower
        .into_iter()
        .find(|rate| lost(material, &deciding, kept, *rate) == 0)
        .unwrap_or(highest)
}

fn lost(material: &Material<'_>, tracks: &[&TrackTimeline], kept: &Spans, rate: TickRate) -> u64 {
    let windows = windows(kept, rate);
    let stretches = tracks.iter().flat_map(|track| {
        material
            .video_stretches(track, &windows, rate)
            .into_iter()
            .map(|stretch| (track.index, stretch))
    });
    stretches
        .map(|(track, stretch)| {
            material
                .stamps(track, stretch.dump)
                .map_or(0, |stamps| pace(&stretch, stamps, rate).lost)
        })
        .sum()
}
