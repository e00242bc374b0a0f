//! What a right recording shows and sounds like, from the sample's `truth.json`. Tests change the story as they change
//! the session. All times are seconds of the wall clock since the sample's start, unless said otherwise.

use std::fs;

use serde::Deserialize;

use super::{sample, video::Rgb};

pub type Span = (f64, f64);

#[derive(Debug, Clone)]
pub struct Story {
    pub pictures: Vec<Picture>,
    pub voices: Vec<Voice>,
    windows: Vec<Window>,
}

/// A video track.
#[derive(Debug, Clone)]
pub struct Picture {
    pub track_id: String,
    pub peer_id: String,
    pub look: Look,
    /// From each of these times on, the picture has that width and height; the first one holds before, too.
    pub sizes: Vec<(f64, (f64, f64))>,
    /// When it has a tile.
    pub spans: Vec<Span>,
    /// When its tile shows only background.
    pub blank: Vec<Span>,
    pub flashes: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Look {
    /// A flat colour with a darker disc in its middle.
    Camera(Rgb),
    /// A page with a margin around it.
    Screen { margin: Rgb, page: Rgb },
}

/// An audio track.
#[derive(Debug, Clone)]
pub struct Voice {
    pub peer_id: String,
    pub tone: f64,
    pub beeps: Vec<f64>,
}

/// A stretch that was recorded.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: f64,
    to: f64,
    /// Where it begins in the recording.
    at: f64,
}

impl Story {
    /// The sample's.
    pub fn sample() -> Story {
        let truth: Truth = serde_json::from_slice(&fs::read(sample().join("truth.json")).unwrap()).unwrap();
        let mut story = Story {
            pictures: Vec::new(),
            voices: Vec::new(),
            windows: vec![Window {
                from: 0.0,
                to: truth.duration_s,
                at: 0.0,
            }],
        };
        for peer in truth.peers {
            story.pictures.push(peer.camera_picture());
            story.pictures.extend(peer.screen_picture());
            story.voices.push(Voice {
                peer_id: peer.id,
                tone: peer.tone_hz,
                beeps: peer.microphone.beeps_at,
            });
        }
        story
    }

    /// Only these stretches are in the recording. One that ends between two ticks is rounded up to a whole one.
    pub fn recorded(mut self, windows: &[Span], ticks_per_second: f64) -> Story {
        let mut at = 0.0;
        self.windows = windows
            .iter()
            .map(|(from, to)| {
                let window = Window {
                    from: *from,
                    to: *to,
                    at,
                };
                at += ((to - from) * ticks_per_second - 1e-6).ceil() / ticks_per_second;
                window
            })
            .collect();
        self
    }

    pub fn picture(&mut self, track_id: &str) -> &mut Picture {
        let found = self.pictures.iter_mut().find(|picture| picture.track_id == track_id);
        found.unwrap_or_else(|| panic!("the story has no picture {track_id}"))
    }

    /// The tracks of this picture or of this peer's voice are not in the recording at all.
    pub fn without(mut self, track_id: &str) -> Story {
        let before = self.pictures.len() + self.voices.len();
        let voice = |voice: &Voice| format!("{}-mic", name_of(&voice.peer_id));
        self.pictures.retain(|picture| picture.track_id != track_id);
        self.voices.retain(|it| voice(it) != track_id);
        assert_eq!(
            self.pictures.len() + self.voices.len() + 1,
            before,
            "the story has no {track_id}"
        );
        self
    }

    /// What the wall clock showed at a time of the recording.
    pub fn wall_of(&self, recorded: f64) -> f64 {
        let window = self.windows.iter().rev().find(|window| window.at <= recorded + 1e-6);
        let window = window.expect("the first window begins at zero");
        recorded - window.at + window.from
    }

    /// The times of the recording at which a pulse that began at one of `walls` is seen or heard.
    pub fn recorded_pulses(&self, walls: &[f64]) -> Vec<f64> {
        let place = |wall: &f64| {
            let window = self
                .windows
                .iter()
                .find(|window| window.from <= *wall && *wall < window.to);
            window.map(|window| wall - window.from + window.at)
        };
        walls.iter().filter_map(place).collect()
    }
}

impl Picture {
    pub fn is_shown(&self, wall: f64) -> bool {
        within(&self.spans, wall)
    }

    pub fn is_blank(&self, wall: f64) -> bool {
        within(&self.blank, wall)
    }

    pub fn size_at(&self, wall: f64) -> (f64, f64) {
        let current = self.sizes.iter().rev().find(|(from, _)| *from <= wall + 1e-6);
        current.unwrap_or(&self.sizes[0]).1
    }

    /// Nothing of it is seen in these stretches, neither a tile nor a flash.
    pub fn off(&mut self, from: f64, to: f64) {
        let rest = |span: &Span| [(span.0, span.1.min(from)), (span.0.max(to), span.1)];
        self.spans = self
            .spans
            .iter()
            .flat_map(rest)
            .filter(|span| span.0 < span.1)
            .collect();
        self.flashes.retain(|at| *at < from || to <= *at);
    }
}

fn within(spans: &[Span], wall: f64) -> bool {
    // ticks and spans are both fractions: a hair's breadth is rounding, not a difference
    spans.iter().any(|(from, to)| *from <= wall + 1e-6 && wall + 1e-6 < *to)
}

fn name_of(peer_id: &str) -> &str {
    match peer_id {
        "p1" => "asha",
        "p2" => "bruno",
        "p3" => "chen",
        "p4" => "dalia",
        other => panic!("the sample has no peer {other}"),
    }
}

#[derive(Deserialize)]
struct Truth {
    duration_s: f64,
    peers: Vec<TruePeer>,
}

#[derive(Deserialize)]
struct TruePeer {
    id: String,
    colour_rgb: Rgb,
    tone_hz: f64,
    camera: TrueCamera,
    microphone: TrueMicrophone,
    screen: Option<TrueScreen>,
}

#[derive(Deserialize)]
struct TrueCamera {
    track_id: String,
    width: f64,
    height: f64,
    spans: Vec<Span>,
    flashes_at: Vec<f64>,
}

#[derive(Deserialize)]
struct TrueMicrophone {
    beeps_at: Vec<f64>,
}

#[derive(Deserialize)]
struct TrueScreen {
    track_id: String,
    width: f64,
    height: f64,
    spans: Vec<Span>,
    margin_rgb: Rgb,
    page_rgb: Rgb,
}

impl TruePeer {
    fn camera_picture(&self) -> Picture {
        let camera = &self.camera;
        Picture {
            track_id: camera.track_id.clone(),
            peer_id: self.id.clone(),
            look: Look::Camera(self.colour_rgb),
            sizes: vec![(0.0, (camera.width, camera.height))],
            spans: camera.spans.clone(),
            blank: Vec::new(),
            flashes: camera.flashes_at.clone(),
        }
    }

    fn screen_picture(&self) -> Option<Picture> {
        let screen = self.screen.as_ref()?;
        Some(Picture {
            track_id: screen.track_id.clone(),
            peer_id: self.id.clone(),
            look: Look::Screen {
                margin: screen.margin_rgb,
                page: screen.page_rgb,
            },
            sizes: vec![(0.0, (screen.width, screen.height))],
            spans: screen.spans.clone(),
            blank: Vec::new(),
            flashes: Vec::new(),
        })
    }
}
