//! A recording's pictures, decoded and made small: what is where, and when.

use std::path::Path;

use serde::Deserialize;

use super::{Canvas, probed, text, tool};

/// Pictures are shrunk until no edge is longer.
const LONGEST_EDGE: usize = 320;

pub type Rgb = [f64; 3];

/// A rectangle of the canvas, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// All frames of a recording.
pub struct Video {
    canvas: Canvas,
    width: usize,
    height: usize,
    /// When each frame begins to be shown, in ticks; sorted.
    pub ticks: Vec<i64>,
    /// The ticks of the keyframes; sorted.
    pub keyframes: Vec<i64>,
    /// `width * height` RGB pixels for each of `ticks`.
    pixels: Vec<u8>,
}

/// One frame; places are given in pixels of the canvas, whatever the frame was shrunk to.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    video: &'a Video,
    pixels: &'a [u8],
}

#[derive(Deserialize)]
struct Packets {
    packets: Vec<PacketFacts>,
}

#[derive(Deserialize)]
struct PacketFacts {
    pts_time: String,
    flags: String,
}

impl Video {
    pub fn decoded(path: &Path, canvas: Canvas, ticks_per_second: u32) -> Video {
        let shrink = canvas.width.max(canvas.height).div_ceil(LONGEST_EDGE);
        let (width, height) = (canvas.width / shrink, canvas.height / shrink);
        let scale = format!("scale={width}:{height}:flags=area");
        let pick = ["-i", text(path), "-map", "0:v", "-vf", &scale];
        let raw = ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
        let pixels = tool("ffmpeg", &[&pick[..], &raw[..]].concat());
        let (ticks, keyframes) = frame_ticks(path, ticks_per_second);
        assert_eq!(
            pixels.len(),
            ticks.len() * width * height * 3,
            "not every packet became a picture"
        );
        Video {
            canvas,
            width,
            height,
            ticks,
            keyframes,
            pixels,
        }
    }

    /// The frame that is on the screen at `tick`.
    pub fn at(&self, tick: i64) -> Frame<'_> {
        let after = self.ticks.partition_point(|shown| *shown <= tick);
        let index = after.checked_sub(1).expect("a recording begins with a frame");
        let size = self.width * self.height * 3;
        Frame {
            video: self,
            pixels: &self.pixels[index * size..][..size],
        }
    }

    /// How many canvas pixels one decoded pixel stands for, along an edge.
    pub fn grain(&self) -> f64 {
        self.canvas.width as f64 / self.width as f64
    }
}

/// The ticks of all frames and of the keyframes. Every frame must stand on a tick of the grid.
fn frame_ticks(path: &Path, ticks_per_second: u32) -> (Vec<i64>, Vec<i64>) {
    let args = ["-select_streams", "v", "-show_entries", "packet=pts_time,flags"];
    let packets: Packets = serde_json::from_value(probed(path, &args)).unwrap();
    let tick = |packet: &PacketFacts| {
        let exact = packet.pts_time.parse::<f64>().unwrap() * f64::from(ticks_per_second);
        assert!(
            (exact - exact.round()).abs() < 0.01,
            "a frame at {} s is between two ticks",
            packet.pts_time
        );
        exact.round() as i64
    };
    let sorted = |mut ticks: Vec<i64>| {
        ticks.sort_unstable();
        ticks
    };
    let keys = packets.packets.iter().filter(|packet| packet.flags.contains('K'));
    (
        sorted(packets.packets.iter().map(tick).collect()),
        sorted(keys.map(tick).collect()),
    )
}

impl Frame<'_> {
    /// Every pixel with its place on the canvas.
    pub fn pixels(&self) -> impl Iterator<Item = (f64, f64, Rgb)> + '_ {
        let (width, grain) = (self.video.width, self.video.grain());
        let place = move |index: usize| (index as f64 + 0.5) * grain;
        let pixels = self.pixels.chunks_exact(3).enumerate();
        pixels.map(move |(index, rgb)| {
            let colour = [rgb[0], rgb[1], rgb[2]].map(f64::from);
            (place(index % width), place(index / width), colour)
        })
    }

    /// The mean colour of `area`.
    pub fn mean(&self, area: Area) -> Rgb {
        let grain = self.video.grain();
        let range = |from: f64, length: f64, limit: usize| {
            let first = (from / grain).ceil() as usize;
            first..((((from + length) / grain) as usize).min(limit))
        };
        let (mut sum, mut count) = ([0.0; 3], 0.0);
        for row in range(area.y, area.height, self.video.height) {
            for column in range(area.x, area.width, self.video.width) {
                let at = (row * self.video.width + column) * 3;
                (0..3).for_each(|channel| sum[channel] += f64::from(self.pixels[at + channel]));
                count += 1.0;
            }
        }
        assert!(count > 0.0, "{area:?} is too small to look at");
        sum.map(|channel| channel / count)
    }
}

impl Area {
    /// Where a picture of that shape stands if all of it is shown as large as possible, in the middle.
    pub fn contain(self, (width, height): (f64, f64)) -> Area {
        let factor = (self.width / width).min(self.height / height);
        let (width, height) = (width * factor, height * factor);
        Area {
            x: self.x + (self.width - width) / 2.0,
            y: self.y + (self.height - height) / 2.0,
            width,
            height,
        }
    }

    /// Moves every edge inwards, or outwards if `by` is negative.
    pub fn shrunk(self, by: f64) -> Area {
        Area {
            x: self.x + by,
            y: self.y + by,
            width: self.width - 2.0 * by,
            height: self.height - 2.0 * by,
        }
    }

    pub fn holds(self, x: f64, y: f64) -> bool {
        let (u, v) = self.relative(x, y);
        (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v)
    }

    /// A place within the area as shares of its width and height.
    pub fn relative(self, x: f64, y: f64) -> (f64, f64) {
        ((x - self.x) / self.width, (y - self.y) / self.height)
    }
}
