//! Holding a recording against its story.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Recording, Tile,
    story::{Look, Picture, Story},
    video::{Area, Frame, Rgb},
};

/// `#101418`, what the built-in layouts show where no picture is.
pub const BACKGROUND: Rgb = [16.0, 20.0, 24.0];
/// Half of what an encoder's priming of 1024 samples would shift them by, were it forgotten.
const BEEP_TOLERANCE: f64 = 0.010;
/// -60 dBFS.
const SILENCE: f64 = 0.001;

/// The recording shows and sounds like the story: everybody in place, in colour and in time.
pub fn tells(recording: &Recording, story: &Story) {
    tiles_are_right(recording, story);
    pictures_are_right(recording, story);
    flashes_meet_beeps(recording, story);
}

/// At every single tick, the tiles are those of the tracks that the story shows then, and none other.
pub fn tiles_are_right(recording: &Recording, story: &Story) {
    let plan = &recording.plan;
    for tick in 0..plan.length {
        let wall = story.wall_of(plan.seconds(tick));
        let shown = story.pictures.iter().filter(|picture| picture.is_shown(wall));
        let expected: BTreeSet<&str> = shown.map(|picture| picture.track_id.as_str()).collect();
        let tiles = plan.tiles_at(tick);
        let found: BTreeSet<&str> = tiles.iter().map(|tile| tile.track_id.as_str()).collect();
        assert_eq!(
            found, expected,
            "tiles at tick {tick}, {wall} s after the session began"
        );
        assert_eq!(found.len(), tiles.len(), "a track has two tiles at tick {tick}");
    }
}

/// In every scene, early and late, every pixel of the canvas is what the story says.
pub fn pictures_are_right(recording: &Recording, story: &Story) {
    for scene in &recording.plan.scenes {
        let length = scene.end - scene.start;
        let shares = [0, 1, length / 4, length / 2, length * 3 / 4, length - 1];
        let instants: BTreeSet<i64> = shares.iter().map(|offset| scene.start + offset).collect();
        for tick in instants.range(..scene.end) {
            canvas_is_right(recording, story, *tick);
        }
    }
}

/// Every pixel at `tick`, unless cameras flash around then.
pub fn canvas_is_right(recording: &Recording, story: &Story, tick: i64) {
    let plan = &recording.plan;
    let wall = story.wall_of(plan.seconds(tick));
    // slow cameras show the flash of 100 ms for longer, slow recordings too
    if wall.fract() < 0.2 + plan.seconds(1) {
        return;
    }
    let margin = 2.0 * recording.video.grain();
    let views: Vec<View<'_>> = plan
        .tiles_at(tick)
        .iter()
        .map(|tile| View::new(tile, story, wall))
        .collect();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for (x, y, found) in recording.video.at(tick).pixels() {
        let Some((region, expected)) = expected_at(&views, x, y, margin) else {
            continue;
        };
        tallies.entry(region).or_default().count(found, expected);
    }
    for view in &views {
        assert!(
            tallies.contains_key(view.name()),
            "{} is nowhere on the canvas",
            view.name()
        );
    }
    for (region, tally) in tallies {
        // a codec may smear a few pixels
        assert!(
            tally.wrong * 50 <= tally.total,
            "{region} at tick {tick} ({wall:.3} s): {} of {} pixels are wrong, e.g. {:?}",
            tally.wrong,
            tally.total,
            tally.example
        );
    }
}

/// Every flash and every beep of the story is there, no other is, and those of one peer and second belong together:
/// within one frame of each other.
pub fn flashes_meet_beeps(recording: &Recording, story: &Story) {
    let frame = recording.plan.seconds(1);
    let mut seen: BTreeMap<(&str, i64), f64> = BTreeMap::new();
    for picture in &story.pictures {
        let found = flash_onsets(recording, story, picture);
        let expected = story.recorded_pulses(&picture.flashes);
        agree(&found, &expected, frame, &format!("flashes of {}", picture.track_id));
        let keyed = expected.iter().zip(found);
        seen.extend(keyed.map(|(at, found)| ((picture.peer_id.as_str(), millis(*at)), found)));
    }
    for voice in &story.voices {
        let onsets = recording.sound.onsets(voice.tone);
        let found: Vec<f64> = onsets.iter().map(|onset| onset.at).collect();
        let expected = story.recorded_pulses(&voice.beeps);
        agree(
            &found,
            &expected,
            BEEP_TOLERANCE,
            &format!("beeps of {}", voice.peer_id),
        );
        for (at, heard) in expected.iter().zip(found) {
            let flash = seen.get(&(voice.peer_id.as_str(), millis(*at)));
            let off = flash.map_or(0.0, |flash| (flash - heard).abs());
            assert!(
                off <= frame,
                "{}: flash and beep of {at} s are {off} s apart",
                voice.peer_id
            );
        }
    }
}

/// Between the beeps of all voices there is nothing.
pub fn silence_between_beeps(recording: &Recording, story: &Story) {
    let all: Vec<f64> = story.voices.iter().flat_map(|voice| voice.beeps.clone()).collect();
    let beeps: BTreeSet<i64> = story.recorded_pulses(&all).into_iter().map(millis).collect();
    let end = recording.plan.seconds(recording.plan.length);
    // an encoder in blocks of 21 ms smears a beep of 100 ms a little to both sides
    let starts = [0.0]
        .into_iter()
        .chain(beeps.iter().map(|at| *at as f64 / 1000.0 + 0.14));
    let ends = beeps.iter().map(|at| *at as f64 / 1000.0 - 0.04).chain([end]);
    for (from, to) in starts.zip(ends).filter(|(from, to)| from < to) {
        let peak = recording.sound.peak(from, to);
        assert!(peak < SILENCE, "{peak} between {from} and {to} s, where nobody speaks");
    }
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn agree(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let near = |(found, expected): (&f64, &f64)| (found - expected).abs() <= tolerance + 1e-6;
    let right = found.len() == expected.len() && found.iter().zip(expected).all(near);
    assert!(right, "{what}\n   found {found:?}\nexpected {expected:?}");
}

/// When the tile of `picture` turns white, in seconds of the recording.
fn flash_onsets(recording: &Recording, story: &Story, picture: &Picture) -> Vec<f64> {
    let plan = &recording.plan;
    let (mut onsets, mut was_white) = (Vec::new(), false);
    for tick in 0..plan.length {
        let tile = plan
            .tiles_at(tick)
            .iter()
            .find(|tile| tile.track_id == picture.track_id);
        let is_white = tile.is_some_and(|tile| {
            let size = picture.size_at(story.wall_of(plan.seconds(tick)));
            is_white(
                recording.video.at(tick),
                tile.area.contain(size).shrunk(2.0 * recording.video.grain()),
            )
        });
        if is_white && !was_white {
            onsets.push(plan.seconds(tick));
        }
        was_white = is_white;
    }
    onsets
}

fn is_white(frame: Frame<'_>, area: Area) -> bool {
    frame.mean(area).iter().all(|channel| *channel > 200.0)
}

/// A tile and what it must show.
struct View<'a> {
    picture: &'a Picture,
    /// Where the picture stands in the tile; `None` while there is only background.
    place: Option<Area>,
}

/// Either of these colours is right.
type Colours = [Rgb; 2];

impl<'a> View<'a> {
    fn new(tile: &Tile, story: &'a Story, wall: f64) -> View<'a> {
        let picture = story.pictures.iter().find(|picture| picture.track_id == tile.track_id);
        let picture = picture.unwrap_or_else(|| panic!("{} has a tile, but no place in the story", tile.track_id));
        let place = (!picture.is_blank(wall)).then(|| tile.area.contain(picture.size_at(wall)));
        View { picture, place }
    }

    fn name(&self) -> &'a str {
        match self.place {
            Some(_) => &self.picture.track_id,
            None => "background",
        }
    }

    /// The colours that are right at a place inside the picture; `None` where that cannot be told.
    fn colours(&self, u: f64, v: f64) -> Option<Colours> {
        match self.picture.look {
            Look::Camera(colour) if (v - 0.5).abs() < 0.2 => Some([colour, colour.map(|channel| channel * 0.7)]),
            Look::Camera(colour) => Some([colour; 2]),
            // margins are 80 of 1280x720 pixels wide; no line of text reaches the right end of the page
            Look::Screen { margin, page } => {
                let in_page = (0.13..0.87).contains(&v) && (0.86..0.91).contains(&u);
                let in_margin = !(0.04..0.96).contains(&u) || !(0.07..0.93).contains(&v);
                match (in_page, in_margin) {
                    (true, _) => Some([page; 2]),
                    (_, true) => Some([margin; 2]),
                    _ => None,
                }
            }
        }
    }
}

/// What a place of the canvas belongs to and the colours that are right there; `None` near edges.
fn expected_at<'a>(views: &[View<'a>], x: f64, y: f64, margin: f64) -> Option<(&'a str, Colours)> {
    for view in views {
        let Some(place) = view.place else { continue };
        if place.shrunk(margin).holds(x, y) {
            let (u, v) = place.relative(x, y);
            return view.colours(u, v).map(|colours| (view.name(), colours));
        }
        if place.shrunk(-margin).holds(x, y) {
            return None;
        }
    }
    Some(("background", [BACKGROUND; 2]))
}

#[derive(Default)]
struct Tally {
    total: usize,
    wrong: usize,
    /// A wrong colour and the right ones.
    example: Option<(Rgb, Colours)>,
}

impl Tally {
    fn count(&mut self, found: Rgb, expected: Colours) {
        self.total += 1;
        let near = |colour: &Rgb| colour.iter().zip(found).all(|(one, other)| (one - other).abs() <= 14.0);
        if !expected.iter().any(near) {
            self.wrong += 1;
            self.example.get_or_insert((found, expected));
        }
    }
}
