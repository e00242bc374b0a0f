//! What a job will take, guessed before it begins, and in which order lanes are served. Pure.

use super::topology::Lane;
use crate::{
    job::Composite,
    media::{Kind, Size, TimeDelta},
    session::Manifest,
};

/// Jobs that take more CPU than this go to the long lane.
const LONG: TimeDelta = TimeDelta::from_seconds(90);
/// Where a manifest does not say how long the session was.
const USUAL_LENGTH: TimeDelta = TimeDelta::from_seconds(1800);
/// Measured: a second of 1280x720 with four cameras takes a quarter of a second of CPU.
const CPU_PER_SECOND_THOUSANDTHS: i64 = 250;
const USUAL_PIXELS: i64 = 1280 * 720;
/// What a job takes beside: code, decoders, encoders, the manifest.
const BASE_MEMORY: u64 = 240 << 20;
/// Pictures of a chunk: two seconds at 30 a second.
const PICTURES: u64 = 60;

/// CPU time that the job will take, roughly.
pub fn predicted_cpu(manifest: &Manifest, canvas: Size) -> TimeDelta {
    let session = &manifest.session;
    let length = session
        .ended_at
        .map_or(USUAL_LENGTH, |ended| ended - session.started_at);
    let seen = manifest.tracks.iter().any(|track| track.kind == Kind::Video);
    let pixels = i64::try_from(canvas.pixels()).unwrap_or(i64::MAX);
    let share = if seen {
        CPU_PER_SECOND_THOUSANDTHS.saturating_mul(pixels) / USUAL_PIXELS
    } else {
        CPU_PER_SECOND_THOUSANDTHS / 10
    };
    TimeDelta::from_millis((length.millis() / 1000).saturating_mul(share))
}

/// The lane for a job that takes so much CPU.
pub fn lane(cpu: TimeDelta) -> Lane {
    if cpu > LONG { Lane::Long } else { Lane::Short }
}

/// Bytes of memory that rendering will take: a chunk's pictures for every thread, and one more chunk being drawn.
pub fn predicted_memory(composite: &Composite, threads: usize) -> u64 {
    let picture = composite.size().pixels() * 3 / 2;
    BASE_MEMORY + picture * PICTURES * (threads as u64 + 1)
}

/// The lanes in the order in which a free slot asks them.
///
/// Short jobs always have a slot that no long one takes, and long ones have their turn however many short ones wait.
pub fn order(slots: usize, long_running: usize, last: Lane) -> Vec<Lane> {
    match slots {
        0 | 1 if last == Lane::Long => vec![Lane::Short, Lane::Long],
        0 | 1 => vec![Lane::Long, Lane::Short],
        _ if long_running == 0 => vec![Lane::Long, Lane::Short],
        _ if long_running + 1 < slots => vec![Lane::Short, Lane::Long],
        _ => vec![Lane::Short],
    }
}

/// The shard of an account: the same for all its jobs.
pub fn shard(account: &str, shards: usize) -> usize {
    // FNV-1a; what counts is that every worker computes the same
    let hash = account.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash % (shards.max(1) as u64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_meeting_of_an_hour_is_long_and_a_call_of_a_minute_is_not() {
        let manifest = |minutes: u32| {
            let text = format!(
                r#"{{"version":1,"session":{{"id":"s","started_at":"2026-11-20T10:00:00Z","ended_at":"2026-11-20T{:02}:{:02}:00Z"}},
                "peers":[{{"id":"p"}}],"tracks":[{{"id":"t","peer_id":"p","kind":"video","dumps":[{{"uri":"a.webm"}}]}}]}}"#,
                10 + minutes / 60,
                minutes % 60
            );
            crate::session::parse(&text).unwrap().manifest
        };
        let size = Size {
            width: 1280,
            height: 720,
        };
        assert_eq!(lane(predicted_cpu(&manifest(60), size)), Lane::Long);
        assert_eq!(lane(predicted_cpu(&manifest(1), size)), Lane::Short);
    }

    #[test]
    fn larger_pictures_take_more_memory() {
        let of = |resolution: &str| {
            predicted_memory(
                &Composite {
                    resolution: Some(resolution.into()),
                    ..Composite::default()
                },
                2,
            )
        };
        assert!(of("1280x720") < 500 << 20);
        assert!(of("3840x2160") > 2 << 30);
    }

    proptest! {
        #[test]
        fn short_jobs_are_always_served_and_long_ones_are_not_forgotten(slots in 1usize..32, running in 0usize..32) {
            for last in [Lane::Short, Lane::Long] {
                let order = order(slots, running.min(slots - 1), last);
                prop_assert!(order.contains(&Lane::Short));
                if slots > 1 && running == 0 {
                    prop_assert_eq!(order[0], Lane::Long);
                }
            }
        }
    }
}
