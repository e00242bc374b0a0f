//! What a layout looks like, shown with a made-up session.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{JobError, still::write_picture};
use crate::{
    composition::{
        Material, RateChoice, Request,
        hearing::{Heard, Hearing, Loudness, Tenth},
        plan,
    },
    dump::probe::Probes,
    layout::Layout,
    media::{Kind, PeerId, SessionTime, Size, Source, Span, Spans, TickRate, TimeBase, TimeDelta, TrackId, WallTime},
    render::{Fonts, preview as drawn},
    session::{self, Manifest},
    timeline::{Clock, Piece, SyncCertificate, Timeline, TrackTimeline},
};

/// The made-up people. Names of several scripts show whether the fonts at hand have them.
const NAMES: [&str; 20] = [
    "Asha Rao",
    "Bruno Silva",
    "陈静",
    "Дарья Волкова",
    "Elif Yılmaz",
    "فاطمة الزهراء",
    "Grace Okafor",
    "हरीश शर्मा",
    "Inês 🦊",
    "Jürgen Weiß",
    "김민수",
    "Léa Dubois",
    "Mateo García",
    "Ngọc Trần",
    "Όλγα Παππά",
    "Pekka Mäkelä",
    "さくら",
    "Ruth Cohen",
    "สมชาย ใจดี",
    "Tomás Ó Briain",
];
const SECONDS: i64 = 10;
const MOST_TILES: usize = 60;

/// Which layout with how many people, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRequest {
    pub layout: Layout,
    /// Cameras and shared screens together; none for the room after all have left.
    pub tiles: usize,
    pub sharing: Sharing,
    /// Default: the layout's own.
    pub canvas: Option<Size>,
    pub fonts: Fonts,
    /// The PNG to write.
    pub out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Nobody,
    /// One of the tiles is somebody's screen.
    Somebody,
}

/// Draws a layout with stand-ins; says what had to be left out.
pub fn preview(request: &PreviewRequest) -> Result<Vec<String>, JobError> {
    let room = Room::of(request);
    let (manifest, timeline) = (room.manifest(), room.timeline());
    let usual = Request::of(request.layout.clone());
    let wanted = Request {
        canvas: request.canvas.unwrap_or(usual.canvas),
        rate: RateChoice::Fixed(TickRate::new(10).expect("10 is a rate")),
        ..usual
    };
    let material = Material {
        timeline: &timeline,
        probes: &Probes::new(),
        hearing: &room.hearing(),
    };
    let plan = plan(&manifest, material, &wanted).map_err(|error| JobError::Plan {
        path: Path::new("preview").to_owned(),
        error,
    })?;
    let still = drawn(&plan, &request.fonts)?;
    write_picture(&request.out, &still.png)?;
    Ok(plan.warnings.into_iter().chain(still.warnings).collect())
}

/// A made-up session.
struct Room {
    people: usize,
    has_screen: bool,
    /// How long all are there: the picture is taken at the end.
    stay: Span,
    /// Whose turn it is in the list of names, so that not every layout shows the same people.
    first: usize,
    /// Those that the layout asks for.
    roles: Vec<String>,
}

impl Room {
    fn of(request: &PreviewRequest) -> Room {
        let tiles = request.tiles.min(MOST_TILES);
        let has_screen = request.sharing == Sharing::Somebody && tiles > 0;
        Room {
            // a session in which nobody ever was is none
            people: tiles.max(1) - usize::from(has_screen),
            has_screen,
            stay: Span::new(second(0), second(if tiles == 0 { 1 } else { SECONDS })),
            first: request.layout.name.bytes().map(usize::from).sum(),
            roles: roles_in(&request.layout),
        }
    }

    /// The first person has the first role that the layout asks for, the others have the rest by turns.
    fn role(&self, index: usize) -> Option<&str> {
        let (first, others) = self.roles.split_first()?;
        let role = match index.checked_sub(1) {
            Some(index) if !others.is_empty() => &others[index % others.len()],
            Some(_) | None => first,
        };
        Some(role)
    }

    fn name(&self, index: usize) -> String {
        let number = index / NAMES.len();
        let name = NAMES[(self.first + index) % NAMES.len()];
        if number == 0 {
            name.to_owned()
        } else {
            format!("{name} {}", number + 1)
        }
    }

    /// Everybody has a camera but a few, of whom there are the initials.
    fn has_camera(&self, index: usize) -> bool {
        index % 7 != 3 || index == self.speaker()
    }

    fn is_muted(&self, index: usize) -> bool {
        index % 3 == 1 && index != self.speaker()
    }

    fn speaker(&self) -> usize {
        self.people * 2 / 3
    }

    /// The last to speak still speaks when the picture is taken.
    fn hearing(&self) -> Hearing {
        let before = (self.speaker() + 1) % self.people.max(1);
        let said = |person: usize| match person {
            _ if person == self.speaker() => Span::new(second(4), second(SECONDS)),
            _ if person == before => Span::new(second(1), second(4)),
            _ => Span::new(second(0), second(0)),
        };
        let microphones = self.tracks().into_iter().enumerate();
        let microphones = microphones.filter(|(_, (_, source))| *source == Source::Microphone);
        let heard = |(number, (person, source))| {
            let heard = Heard {
                peer_id: self.peer(person),
                source,
                voice: Spans::union([said(person).intersect(self.stay)]),
                loudness: self.loudness(person),
            };
            (number, heard.into())
        };
        Hearing {
            tracks: microphones.map(heard).collect(),
        }
    }

    /// Whoever speaks is loud, and some of the others can be heard a little.
    fn loudness(&self, person: usize) -> Loudness {
        let level = match person {
            _ if person == self.speaker() => -1900,
            _ if self.is_muted(person) || person % 2 == 1 => Tenth::NOTHING,
            _ => -4300,
        };
        let tenth = Tenth {
            loudness: level,
            ..Tenth::SILENT
        };
        let tenths = usize::try_from(SECONDS * 10).unwrap_or(0);
        Loudness {
            before: 0,
            tenths: vec![tenth; tenths],
        }
    }

    fn peer(&self, index: usize) -> PeerId {
        PeerId::new(format!("person-{}", self.first + index))
    }

    /// Each track with its owner.
    fn tracks(&self) -> Vec<(usize, Source)> {
        let mut tracks = Vec::new();
        for index in 0..self.people {
            tracks.push((index, Source::Microphone));
            if self.has_camera(index) {
                tracks.push((index, Source::Camera));
            }
        }
        if self.has_screen {
            tracks.push((0, Source::Screen));
        }
        tracks
    }

    fn manifest(&self) -> Manifest {
        let people = self.people.max(usize::from(self.has_screen));
        let peers = (0..people)
            .map(|index| json!({"id": self.peer(index), "name": self.name(index), "role": self.role(index)}));
        let tracks = self.tracks().into_iter().enumerate();
        let tracks = tracks.map(|(number, (owner, source))| {
            json!({"id": track_id(number, source), "peer_id": self.peer(owner), "kind": kind(source), "source": source, "dumps": []})
        });
        let muted = self.tracks().into_iter().enumerate();
        let muted = muted.filter(|(_, (owner, source))| *source == Source::Microphone && self.is_muted(*owner));
        let events = muted.map(|(number, (_, source))| {
            json!({"at": origin(), "type": "track.muted", "track_id": track_id(number, source)})
        });
        let manifest = json!({
            "version": 1,
            "session": {"id": "preview", "room_name": "Weekly", "started_at": origin()},
            "peers": peers.collect::<Vec<Value>>(),
            "tracks": tracks.collect::<Vec<Value>>(),
            "events": events.collect::<Vec<Value>>(),
        });
        let parsed = session::parse(&manifest.to_string());
        parsed
            .expect("a made-up session keeps to the manifest's rules")
            .manifest
    }

    fn timeline(&self) -> Timeline {
        let whole = Span::new(second(0), second(SECONDS));
        let track = |(index, (owner, source)): (usize, (usize, Source))| TrackTimeline {
            index,
            track_id: TrackId::new(track_id(index, source)),
            peer_id: self.peer(owner),
            kind: kind(source),
            source,
            pieces: vec![Piece {
                dump: 0,
                span: self.stay,
                clock: Clock::anchored(TimeBase::MILLIS, 0, SessionTime::START).into(),
            }],
            live: Spans::union([self.stay]),
        };
        Timeline {
            origin: origin(),
            end: whole.end,
            recorded: Spans::union([whole]),
            tracks: self.tracks().into_iter().enumerate().map(track).collect(),
            certificate: SyncCertificate::default(),
            warnings: Vec::new(),
        }
    }
}

/// Roles that a layout's regions ask for, each once; stars stand for nothing.
fn roles_in(layout: &Layout) -> Vec<String> {
    let regions = layout.variants.iter().flat_map(|variant| &variant.regions);
    let mut roles: Vec<String> = Vec::new();
    for pattern in regions.flat_map(|region| &region.show.roles) {
        let role = pattern.replace('*', "");
        if !role.is_empty() && !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

fn origin() -> WallTime {
    WallTime::from_unix_nanos(1_795_168_800_000_000_000)
}

fn second(second: i64) -> SessionTime {
    SessionTime::START + TimeDelta::from_seconds(second)
}

fn kind(source: Source) -> Kind {
    match source {
        Source::Camera | Source::Screen => Kind::Video,
        Source::Microphone | Source::ScreenAudio => Kind::Audio,
    }
}

fn track_id(number: usize, source: Source) -> String {
    format!("{number}-{source}")
}
