//! Made-up sessions, laid out by every built-in layout.

mod actors;
mod moves;

use proptest::prelude::*;

use super::*;
use crate::{
    composition::{LayoutSwitch, windows::windows},
    layout::{self, builtins},
    media::{Fit, SessionTime, Source, Span, Spans, TimeDelta},
};
use actors::{Actor, SECONDS, any_actors, any_turns, named, seen, session, shown, staged, track};

/// Places and their heights, whoever is in them.
fn places(scene: &Scene) -> Vec<(Rect, i32)> {
    let avatars = scene.decorations.iter().filter_map(|decoration| match decoration {
        Decoration::Avatar { rect, z, .. } => Some((*rect, *z)),
        Decoration::Chat { .. } | Decoration::Notice { .. } => None,
    });
    scene
        .tiles
        .iter()
        .map(|tile| (tile.rect, tile.z))
        .chain(avatars)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_layout_is_sound(
        actors in any_actors(),
        turns in any_turns(),
        canvas in prop::sample::select(vec![(1280, 720), (720, 1280), (640, 480), (320, 180), (16, 16), (1000, 34)]),
    ) {
        let canvas = Size::new(canvas.0, canvas.1);
        for layout in builtins() {
            let staging = staged("p", &actors, &turns, &layout, canvas);
            let other = staged("someone-", &actors, &turns, &layout, canvas);
            prop_assert_eq!(staging.scenes.first().map(|scene| scene.start), Some(Tick::ZERO));
            prop_assert_eq!(staging.scenes.last().map(|scene| scene.end), Some(Tick(SECONDS * 10)));
            prop_assert!(staging.scenes.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start < pair[0].end));
            prop_assert_eq!(staging.scenes.len(), other.scenes.len());
            for (scene, renamed) in staging.scenes.iter().zip(&other.scenes) {
                let places = places(scene);
                prop_assert_eq!(&places, &self::places(renamed));
                prop_assert!(places.len() <= layout.most_tiles());
                for (index, (rect, z)) in places.iter().enumerate() {
                    prop_assert!(rect.is_even() && rect.is_inside(canvas) && !rect.is_empty(), "{}: {rect:?}", layout.name);
                    let meets = |(other, height): &(Rect, i32)| height == z && rect.overlaps(*other);
                    prop_assert!(!places[index + 1..].iter().any(meets), "{}: {places:?}", layout.name);
                }
                for tile in &scene.tiles {
                    let placed = tile.fit.place(Size::new(640, 360), tile.rect);
                    let (part, place) = (placed.part, placed.place);
                    let skew = i64::from(part.width) * i64::from(place.height) - i64::from(part.height) * i64::from(place.width);
                    // a pixel or two of rounding, on tiles that are not tiny
                    let slack = 3 * i64::from(part.width.max(part.height).max(place.width).max(place.height));
                    prop_assert!(skew.abs() <= slack, "{}: {placed:?}", layout.name);
                    prop_assert!(tile.track_id.as_str().ends_with("-camera") || tile.fit == Fit::Contain);
                }
            }
        }
    }
}

#[test]
fn the_bare_grid_is_bare() {
    let staging = staged("p", &seen(3), &[(1, 2, 8)], &named("grid"), Size::new(1280, 720));
    assert_eq!(staging.scenes.len(), 1);
    let bare = |tile: &Tile| tile.label.is_none() && tile.corner_radius == 0 && tile.z == 0;
    assert!(staging.scenes[0].tiles.iter().all(bare) && staging.scenes[0].decorations.is_empty());
}

#[test]
fn a_new_speaker_changes_places_with_the_old_one_and_nobody_else_moves() {
    let turns = [(2, 5, 9), (1, 9, 15)];
    let staging = staged("p", &seen(4), &turns, &named("speaker"), Size::new(1280, 720));
    let names = |second| {
        shown(&staging, second)
            .iter()
            .map(|id| id[1..2].to_owned())
            .collect::<String>()
    };
    assert_eq!([0, 5, 8, 9, 19].map(names), ["0123", "2103", "2103", "1203", "1203"]);
}

#[test]
fn of_too_many_those_who_spoke_last_stay_without_moving() {
    let turns = [(5, 2, 4), (0, 5, 7), (6, 8, 9)];
    let staging = staged("p", &seen(7), &turns, &named("grid-2x2"), Size::new(1280, 720));
    let names = |second| {
        shown(&staging, second)
            .iter()
            .map(|id| id[1..2].to_owned())
            .collect::<String>()
    };
    assert_eq!([0, 2, 5, 8].map(names), ["0123", "0125", "0125", "0165"]);
    assert!(staging.warnings.is_empty(), "{:?}", staging.warnings);
}

#[test]
fn a_place_that_somebody_left_goes_to_who_speaks_next() {
    let mut actors = seen(3);
    (actors[0].camera, actors[0].microphone) = (Some((0, 10)), Some((0, 10)));
    let turns = [(2, 1, 3), (0, 4, 10), (1, 11, 15)];
    let staging = staged("p", &actors, &turns, &named("single"), Size::new(1280, 720));
    let large: Vec<(i64, String)> = (staging.scenes.iter())
        .map(|scene| (scene.start.0 / 10, scene.tiles[0].peer_id.to_string()))
        .collect();
    let names: Vec<&str> = large.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["p2", "p0", "p1"], "{large:?}");
    assert_eq!(large[2].0, 10);
}

#[test]
fn an_empty_room_is_named_unless_it_is_only_for_a_moment() {
    let mut actors = seen(1);
    (actors[0].camera, actors[0].microphone) = (Some((1, 18)), Some((1, 18)));
    let staging = staged("p", &actors, &[], &named("gallery"), Size::new(1280, 720));
    let named = |scene: &Scene| matches!(scene.decorations.as_slice(), [Decoration::Notice { .. }]);
    let rooms: Vec<_> = staging
        .scenes
        .iter()
        .map(|scene| (scene.start.0, named(scene)))
        .collect();
    assert_eq!(rooms, [(0, false), (10, false), (180, true)]);
}

#[test]
fn without_a_known_speaker_the_first_stays() {
    let staging = staged("p", &seen(3), &[], &named("single"), Size::new(1280, 720));
    assert_eq!(staging.scenes.len(), 1);
    assert_eq!(shown(&staging, 0), ["p0-camera"]);
}

#[test]
fn a_shared_screen_is_large_while_it_is_shared() {
    let mut actors = seen(3);
    actors[1].screen = Some((5, 10));
    let staging = staged("p", &actors, &[], &named("presentation"), Size::new(1280, 720));
    let widest = |second: i64| {
        let scene = staging.scenes.iter().find(|scene| scene.end.0 > second * 10).unwrap();
        scene
            .tiles
            .iter()
            .max_by_key(|tile| tile.rect.width)
            .unwrap()
            .track_id
            .as_str()
    };
    assert_eq!(widest(7), "p1-screen");
    assert_eq!(
        [
            shown(&staging, 0).len(),
            shown(&staging, 7).len(),
            shown(&staging, 12).len()
        ],
        [3, 4, 3]
    );
}

#[test]
fn a_camera_that_is_off_leaves_initials_in_its_place() {
    let mut actors = seen(3);
    actors[0].camera = Some((0, 10));
    let staging = staged("Ada ", &actors, &[], &named("gallery"), Size::new(1280, 720));
    let [on, off] = staging.scenes.as_slice() else {
        panic!("{:?}", staging.scenes)
    };
    let Decoration::Avatar {
        rect, initials, label, ..
    } = &off.decorations[0]
    else {
        panic!("{off:?}")
    };
    assert_eq!((initials.as_str(), *rect), ("A0", on.tiles[0].rect));
    assert_eq!(label.as_ref().and_then(|label| label.name.as_deref()), Some("Ada 0"));
    assert_eq!(on.tiles[1..], off.tiles);
}

#[test]
fn cells_are_reused_as_the_layout_says() {
    let mut actors = seen(4);
    actors[0].camera = Some((0, 10));
    actors[3].camera = Some((5, SECONDS));
    let text = layout::builtin_text("grid").unwrap();
    let names = |reuse: &str, second| {
        let layout =
            layout::parse(&text.replace("max_tiles = 49", &format!("max_tiles = 3\nreuse = \"{reuse}\""))).unwrap();
        let staging = staged("p", &actors, &[], &layout, Size::new(1280, 720));
        let names: Vec<String> = shown(&staging, second).iter().map(|id| id[1..2].to_owned()).collect();
        names.concat()
    };
    assert_eq!([0, 7, 12].map(|second| names("oldest", second)), ["012", "012", "123"]);
    assert_eq!([0, 7, 12].map(|second| names("newest", second)), ["012", "312", "312"]);
    assert_eq!([0, 7, 12].map(|second| names("none", second)), ["012", "012", "12"]);
}

#[test]
fn order_by_name_and_role() {
    let mut actors = seen(3);
    actors[2].role = "host";
    let order = |order: &str| {
        let show = "show = { roles = [\"host\", \"*\"] }";
        let text = layout::builtin_text("grid").unwrap();
        let layout = text.replace("max_tiles = 49", &format!("order = {order}\n{show}"));
        let staging = staged(
            "p",
            &actors,
            &[],
            &layout::parse(&layout).unwrap(),
            Size::new(1280, 720),
        );
        shown(&staging, 0)
            .iter()
            .map(|id| id[1..2].to_owned())
            .collect::<String>()
    };
    assert_eq!(
        [order("[]"), order("[\"role\"]"), order("[\"role\", \"name\"]")],
        ["012", "201", "201"]
    );
}

#[test]
fn layouts_switch_when_asked_and_hidden_people_stay_hidden() {
    let (actors, canvas) = (seen(3), Size::new(1280, 720));
    let staging = staged("p", &actors, &[], &named("grid"), canvas);
    assert_eq!(staging.scenes.len(), 1);
    let rate = TickRate::new(10).unwrap();
    let mut request = Request {
        canvas,
        ..Request::of(named("grid"))
    };
    let at = |second| SessionTime::START + TimeDelta::from_seconds(second);
    for (second, name) in [(12, "single"), (5, "interview"), (90, "gallery")] {
        request.switches.push(LayoutSwitch {
            at: at(second),
            layout: named(name),
        });
    }
    let (manifest, timeline) = session_of_two();
    let stage_with = |request: &Request| {
        stage(&Stage {
            manifest: &manifest,
            timeline: &timeline,
            speech: &Speech::default(),
            windows: &windows(&timeline.recorded, rate),
            rate,
            request,
            title: "room",
        })
    };
    let staging = stage_with(&request);
    let looks: Vec<&str> = staging.looks.iter().map(|look| look.layout.as_str()).collect();
    assert_eq!(looks, ["grid", "interview", "single"]);
    let cuts: Vec<(i64, usize)> = staging.scenes.iter().map(|scene| (scene.start.0, scene.look)).collect();
    assert_eq!(cuts, [(0, 0), (50, 1), (120, 2)]);
    request.seen.except_roles = vec!["host".to_owned()];
    assert!(stage_with(&request).scenes.iter().all(|scene| scene.tiles.len() == 1));
}

fn session_of_two() -> (Manifest, Timeline) {
    let silent = |role| Actor {
        microphone: None,
        role,
        ..seen(1).remove(0)
    };
    session(&["a".to_owned(), "b".to_owned()], &[silent("host"), silent("guest")])
}

#[test]
fn nothing_flashes_up_where_sound_and_picture_begin_apart() {
    let (manifest, mut timeline) = session_of_two();
    let millis = |millis| SessionTime::START + TimeDelta::from_millis(millis);
    let mut sound = track(2, "a", Source::Microphone, (0, SECONDS));
    let camera = Span::new(millis(300), millis(19_500));
    timeline.tracks[0].live = Spans::union([camera]);
    sound.pieces[0].span = Span::new(millis(100), millis(19_800));
    timeline.tracks.push(sound);
    let rate = TickRate::new(10).unwrap();
    let scenes = stage(&Stage {
        manifest: &manifest,
        timeline: &timeline,
        speech: &Speech::default(),
        windows: &windows(&timeline.recorded, rate),
        rate,
        request: &Request::of(named("gallery")),
        title: "room",
    })
    .scenes;
    assert!(scenes.iter().all(|scene| scene.decorations.is_empty()), "{scenes:?}");
    assert!(
        scenes.iter().all(|scene| scene.end.0 - scene.start.0 >= 3),
        "{scenes:?}"
    );
    let is_muted = |tile: &Tile| tile.label.as_ref().is_some_and(|label| label.muted);
    let muted = scenes
        .iter()
        .flat_map(|scene| &scene.tiles)
        .filter(|tile| is_muted(tile));
    assert!(muted.into_iter().all(|tile| tile.peer_id.as_str() == "b"), "{scenes:?}");
}
