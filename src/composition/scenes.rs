//! Who is shown when: live stretches become scenes of tiles.

use super::{
    plan::{Scene, Tile},
    windows::Window,
};
use crate::{
    layout::Layout,
    media::{Size, Tick, TickRate},
    timeline::{Timeline, TrackTimeline},
};

/// The scenes of a recording, and what had to be left out.
pub struct Staging {
    pub scenes: Vec<Scene>,
    pub warnings: Vec<String>,
}

/// A track's stretch on screen, in ticks.
struct Appearance<'a> {
    track: &'a TrackTimeline,
    start: Tick,
    end: Tick,
}

/// Cuts the recording wherever a tile comes or goes, and lays out each scene.
///
/// Tiles keep the order in which their tracks first came alive, so that nobody moves without need.
pub fn stage(timeline: &Timeline, windows: &[Window], rate: TickRate, layout: &Layout, canvas: Size) -> Staging {
    let appearances = appearances(timeline, windows, rate);
    let mut edges: Vec<Tick> = windows.iter().map(|window| window.start).collect();
    edges.extend(windows.last().map(|window| window.end));
    edges.extend(
        appearances
            .iter()
            .flat_map(|appearance| [appearance.start, appearance.end]),
    );
    edges.sort_unstable();
    edges.dedup();
    let mut staging = Staging {
        scenes: Vec::new(),
        warnings: Vec::new(),
    };
    for pair in edges.windows(2) {
        let shown: Vec<&TrackTimeline> = appearances
            .iter()
            .filter(|it| it.start <= pair[0] && pair[1] <= it.end)
            .map(|it| it.track)
            .collect();
        let rects = layout.tiles(shown.len(), canvas);
        if rects.len() < shown.len() {
            let left_out = shown[rects.len()..]
                .iter()
                .map(|track| track.track_id.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            let warning = format!(
                "layout '{}' shows at most {} tiles at once: {left_out} not always shown",
                layout.name,
                rects.len()
            );
            if !staging.warnings.contains(&warning) {
                staging.warnings.push(warning);
            }
        }
        let tiles: Vec<Tile> = shown
            .iter()
            .zip(rects)
            .map(|(track, rect)| Tile {
                track_id: track.track_id.clone(),
                peer_id: track.peer_id.clone(),
                rect,
                fit: layout.fit,
            })
            .collect();
        match staging.scenes.last_mut() {
            Some(last) if last.tiles == tiles => last.end = pair[1],
            _ => staging.scenes.push(Scene {
                start: pair[0],
                end: pair[1],
                tiles,
            }),
        }
    }
    staging
}

fn appearances<'a>(timeline: &'a Timeline, windows: &[Window], rate: TickRate) -> Vec<Appearance<'a>> {
    let mut tracks: Vec<&TrackTimeline> = timeline
        .tracks
        .iter()
        .filter(|track| track.is_video() && track.is_alive())
        .collect();
    tracks.sort_by_key(|track| track.live.iter().next().map(|span| span.start));
    let mut appearances = Vec::new();
    for track in tracks {
        for span in track.live.iter() {
            for window in windows {
                let both = span.intersect(window.span);
                let (start, end) = (
                    window.tick_at_or_after(both.start, rate),
                    window.tick_at_or_after(both.end, rate),
                );
                if !both.is_empty() && start < end {
                    appearances.push(Appearance { track, start, end });
                }
            }
        }
    }
    appearances
}
