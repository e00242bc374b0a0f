//! Cameras and microphones whose truth is known: pictures that flash and tones that beep at every whole second.

use std::path::Path;

use tempfile::TempDir;

use super::{
    rtp_dump::{Coded, frames_of, units},
    text, tool,
};
use tessera::media::{Codec, Kind, TimeDelta};

/// Pictures a second of every camera.
pub const FRAMES_PER_SECOND: i64 = 20;
/// What is made once is repeated for as long as wanted; flashes and beeps go on without a seam.
const LOOP: i64 = 20;
/// A keyframe every so often, so that sizes can change and losses heal.
const KEYFRAMES: i64 = 5;

/// Pictures of one colour that are white for the first 200 ms of each second.
pub fn camera(codec: Codec, (width, height): (u32, u32), seconds: i64) -> Vec<Coded> {
    let picture = format!(
        "color=c=0x205080:s={width}x{height}:r={FRAMES_PER_SECOND}:d={LOOP},\
         drawbox=x=0:y=0:w=iw:h=ih:color=white:t=fill:enable='lt(mod(t,1),0.1999)'"
    );
    let encoder = match codec {
        Codec::Vp8 => "libvpx -auto-alt-ref 0 -deadline realtime -cpu-used 8",
        Codec::Vp9 => "libvpx-vp9 -lag-in-frames 0 -auto-alt-ref 0 -deadline realtime -cpu-used 8",
        Codec::H264 => "libx264 -profile:v baseline -preset ultrafast -bsf:v h264_metadata=aud=insert",
        other => panic!("the studio has no camera of {other}"),
    };
    let keyframes = (KEYFRAMES * FRAMES_PER_SECOND).to_string();
    let options = format!("-c:v {encoder} -g {keyframes} -b:v 300k -pix_fmt yuv420p");
    let options: Vec<&str> = options.split(' ').collect();
    let frames = if codec == Codec::H264 {
        encoded(&picture, &options, "a.h264", |path| {
            access_units(&std::fs::read(path).unwrap())
        })
    } else {
        encoded(&picture, &options, "a.webm", |path| frames_of(path, Kind::Video).1)
    };
    assert_eq!(frames.len() as i64, LOOP * FRAMES_PER_SECOND);
    repeated(&frames, seconds)
}

/// What a microphone's encoder does with silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    Sent,
    /// Discontinuous transmission: one packet in 400 ms.
    LeftOut,
}

/// A tone for the first 100 ms of each second.
pub fn microphone(tone: u32, silence: Silence, seconds: i64) -> Vec<Coded> {
    let edges = "clip(mod(t,1)/0.005,0,1)*clip((0.1-mod(t,1))/0.005,0,1)";
    let sound = format!("aevalsrc='0.25*sin(2*PI*{tone}*t)*{edges}':s=48000:d={LOOP}");
    let mut options = vec!["-c:a", "libopus", "-b:a", "32k", "-frame_duration", "20"];
    if silence == Silence::LeftOut {
        options.extend(["-application", "voip", "-dtx", "1"]);
    }
    let frames = encoded(&sound, &options, "a.mka", |path| frames_of(path, Kind::Audio).1);
    let mut frames = repeated(&frames, seconds);
    if silence == Silence::LeftOut {
        let all = frames.len();
        let mut quiet = 0;
        frames.retain(|frame| {
            quiet = if frame.data.len() <= 3 { quiet + 1 } else { 0 };
            quiet % 20 <= 1
        });
        assert!(
            frames.len() * 2 < all,
            "{} of {all} packets are left: that is no DTX",
            frames.len()
        );
    }
    frames
}

/// Frames of one track, then of another, from each of these seconds on: whole multiples of the keyframes' distance.
pub fn switched(tracks: &[(i64, &[Coded])]) -> Vec<Coded> {
    let ends = tracks.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX]);
    let part = |((from, frames), to): (&(i64, &[Coded]), i64)| {
        assert_eq!(from % KEYFRAMES, 0, "there is no keyframe at {from} s");
        let range = TimeDelta::from_seconds(*from)..TimeDelta::from_seconds(to);
        let frames = frames.iter().filter(move |frame| range.contains(&frame.captured));
        frames.cloned().collect::<Vec<Coded>>()
    };
    tracks.iter().zip(ends).flat_map(part).collect()
}

fn encoded(source: &str, options: &[&str], name: &str, read: impl Fn(&Path) -> Vec<Coded>) -> Vec<Coded> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    // one thread and no names of versions: the same bytes wherever the same encoder is
    let fixed = [
        "-threads",
        "1",
        "-fflags",
        "+bitexact",
        "-flags",
        "+bitexact",
        text(&path),
    ];
    tool("ffmpeg", &[&["-f", "lavfi", "-i", source], options, &fixed].concat());
    read(&path)
}

/// As many repetitions of a loop as there are in so many seconds.
fn repeated(frames: &[Coded], seconds: i64) -> Vec<Coded> {
    let length = TimeDelta::from_seconds(LOOP);
    let first = frames[0].captured;
    let once: Vec<&Coded> = frames.iter().filter(|frame| frame.captured - first < length).collect();
    let end = TimeDelta::from_seconds(seconds);
    let shifted = (0..)
        .map(|turn| TimeDelta::from_seconds(turn * LOOP))
        .take_while(|shift| *shift < end);
    let all = shifted.flat_map(|shift| {
        once.iter().map(move |frame| Coded {
            captured: frame.captured + shift,
            data: frame.data.clone(),
        })
    });
    all.filter(|frame| frame.captured < end).collect()
}

/// The pictures of a byte stream in which each begins with a delimiter.
fn access_units(stream: &[u8]) -> Vec<Coded> {
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    for unit in units(stream) {
        if unit[0] & 0x1f == 9 {
            pictures.push(Vec::new());
        }
        let picture = pictures.last_mut().expect("the stream begins with a delimiter");
        picture.extend([0, 0, 1]);
        picture.extend(unit);
    }
    let captured = |index: usize| TimeDelta::from_nanos(index as i64 * 1_000_000_000 / FRAMES_PER_SECOND);
    let pictures = pictures.into_iter().enumerate();
    pictures
        .map(|(index, data)| Coded {
            captured: captured(index),
            data,
        })
        .collect()
}
