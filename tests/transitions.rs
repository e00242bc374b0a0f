//! From one scene into the next: cut, faded, or with tiles that glide to their new places.

mod support;

use std::{fs, sync::atomic::AtomicBool};

use serde_json::Value;
use support::{Recording, planned, sample, tessera, text, tool, video::Area};
use tempfile::TempDir;
use tessera::{
    composition::{LayoutSwitch, Material, Plan, Request, Transition, plan},
    dump::{SourcePolicy, probe::Depth},
    job::{Prepared, SessionSource, prepare},
    layout::builtin,
    media::{SessionTime, Size, TimeDelta},
    render::{Fonts, RenderInput, Rendered, Watch, Workplace, render},
};

/// Bruno joins Asha at 3.4 s: until then she fills the canvas, from then on they share it.
const JOINS: i64 = 85;
/// 0.3 s at 25 ticks a second.
const LENGTH: i64 = 8;
/// Asha's before, nobody's after.
const ABOVE: Area = Area {
    x: 20.0,
    y: 4.0,
    width: 280.0,
    height: 16.0,
};

fn options<'a>(layout: &'a str, transition: &'a str) -> [&'a str; 10] {
    [
        "--layout",
        layout,
        "--transition",
        transition,
        "--resolution",
        "320x180",
        "--to",
        "5",
        "--crf",
        "12",
    ]
}

fn red(recording: &Recording, tick: i64, area: Area) -> f64 {
    recording.video.at(tick).mean(area)[0]
}

#[test]
fn a_fade_goes_from_the_old_picture_to_the_new_one_tick_by_tick() {
    let recording = Recording::of(&sample(), &options("grid", "fade"));
    assert_eq!(recording.plan.scenes[1].start, JOINS);
    let levels: Vec<f64> = (JOINS - 1..=JOINS + LENGTH)
        .map(|tick| red(&recording, tick, ABOVE))
        .collect();
    assert!(levels[0] > 180.0 && *levels.last().unwrap() < 40.0, "{levels:?}");
    assert!(levels.windows(2).all(|pair| pair[0] > pair[1] + 0.5), "{levels:?}");
    let middle = levels[levels.len() / 2];
    assert!((60.0..140.0).contains(&middle), "{levels:?}");
    let encoded = |tick: &i64| recording.video.ticks.contains(tick);
    assert!((JOINS..JOINS + LENGTH).all(|tick| encoded(&tick)));

    // a frame in the middle of it, drawn on its own
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("frame.png");
    let at = ["compose", text(&sample()), "--frame-at", "3.56", text(&out)].map(str::to_owned);
    let options = options("grid", "fade").map(str::to_owned);
    let all: Vec<&str> = at.iter().chain(&options).map(String::as_str).collect();
    assert_eq!(tessera(&all).code, Some(0));
    let pixels = tool(
        "ffmpeg",
        &["-i", text(&out), "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
    );
    let alone = f64::from(pixels[(10 * 320 + 100) * 3]);
    let recorded = red(&recording, JOINS + 4, ABOVE);
    assert!((alone - recorded).abs() < 6.0, "{alone} instead of {recorded}");
}

#[test]
fn gliding_tiles_are_between_their_two_places() {
    let recording = Recording::of(&sample(), &options("gallery", "glide"));
    let of_asha = |tick| recording.plan.tiles_at(tick)[0].area;
    let (old, new) = (of_asha(JOINS - 1), of_asha(JOINS + LENGTH));
    assert!(old.height > 160.0 && new.height < 100.0, "{old:?} {new:?}");
    let mut before = old;
    for tick in JOINS..JOINS + LENGTH {
        let area = of_asha(tick);
        assert!(
            before.y <= area.y && area.y <= new.y && area.height >= new.height,
            "{area:?} at {tick}"
        );
        before = area;
    }
    let middle = of_asha(JOINS + LENGTH / 2);
    assert!(middle.y > 8.0 && middle.y + 8.0 < new.y, "{middle:?}");
    let strip = |y: f64| Area {
        x: 30.0,
        y,
        width: 100.0,
        height: 6.0,
    };
    let (outside, inside) = (
        red(&recording, JOINS + LENGTH / 2, strip(middle.y - 7.0)),
        red(&recording, JOINS + LENGTH / 2, strip(middle.y + 3.0)),
    );
    assert!(outside < 60.0 && inside > 160.0, "{outside} {inside}");
}

#[test]
fn by_default_scenes_are_cut_and_a_layout_may_say_otherwise() {
    let with = |options: &[&str]| -> Value { serde_json::from_str(&planned(&sample(), options)).unwrap() };
    let (plain, cut) = (with(&[]), with(&["--transition", "cut"]));
    assert_eq!(plain["hash"], cut["hash"]);
    assert_eq!(plain.get("fades"), None);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("own.toml");
    let gallery = tessera(&["layouts", "show", "gallery"]).stdout;
    fs::write(&file, gallery.replace("[style]", "[style]\ntransition = \"fade\"")).unwrap();
    let own = with(&["--layout", text(&file)]);
    assert!(own["fades"].as_array().unwrap().len() >= 5, "{}", own["fades"]);
    assert_eq!(
        with(&["--layout", text(&file), "--transition", "cut"]).get("fades"),
        None
    );
    tessera(&["plan", text(&sample()), "--transition", "wipe"]).failed_with(2, &["wipe", "glide"]);
}

struct Patient;

impl Watch for Patient {
    fn encoded(&self, _: i64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

struct Studio {
    prepared: Prepared,
    plan: Plan,
    work: TempDir,
}

impl Studio {
    fn of(transition: Transition) -> Studio {
        let source = SessionSource {
            path: sample(),
            policy: SourcePolicy::FolderOnly,
        };
        let mut prepared = prepare(&source, Depth::Packets).unwrap();
        prepared.listen(None, 2, &AtomicBool::new(false)).unwrap();
        // a change 0.2 s before a chunk ends, so that its transition goes on in the next, and one where a chunk begins
        let switches = [(1800, "picture-in-picture"), (4000, "presentation")].map(|(millis, name)| LayoutSwitch {
            at: SessionTime::START + TimeDelta::from_millis(millis),
            layout: builtin(name).unwrap(),
        });
        let request = Request {
            canvas: Size::new(320, 180),
            switches: switches.to_vec(),
            transition: Some(transition),
            ..Request::of(builtin("gallery").unwrap())
        };
        let material = Material {
            timeline: &prepared.timeline,
            probes: &prepared.probes,
            hearing: &prepared.hearing,
        };
        let plan = plan(&prepared.manifest, material, &request).unwrap();
        Studio {
            prepared,
            plan,
            work: TempDir::new().unwrap(),
        }
    }

    fn render(&self, threads: usize) -> (Vec<u8>, Rendered) {
        let output = self.work.path().join("out.mp4");
        let input = RenderInput {
            plan: &self.plan,
            files: &self.prepared.files,
            probes: &self.prepared.probes,
            fonts: &Fonts::System,
            kept: &self.prepared.kept,
        };
        let place = Workplace {
            output: &output,
            work: self.work.path(),
            threads,
        };
        let rendered = render(&input, place, &Patient).unwrap();
        (fs::read(&output).unwrap(), rendered)
    }
}

#[test]
fn bytes_depend_neither_on_threads_nor_on_what_an_earlier_run_left() {
    for transition in [Transition::Fade, Transition::Glide] {
        let studio = Studio::of(transition);
        let (whole, rendered) = studio.render(4);
        assert_eq!(rendered.resumed_chunks, 0);
        let goes_through = |tick: i64| {
            studio
                .plan
                .fades
                .iter()
                .any(|fade| fade.start.0 < tick && tick < fade.end.0)
        };
        let begins = |tick: i64| studio.plan.fades.iter().any(|fade| fade.start.0 == tick);
        let starts = || studio.plan.chunks.iter().map(|chunk| chunk.start.0);
        if transition == Transition::Fade {
            assert!(
                starts().any(goes_through) && starts().any(begins),
                "{:?}",
                studio.plan.fades
            );
        }
        // every other chunk is made again, by a single thread
        for rest in [0, 1] {
            for index in (0..studio.plan.chunks.len()).filter(|index| index % 2 == rest) {
                fs::remove_file(studio.work.path().join(format!("chunk-{index:06}.json"))).unwrap();
            }
            let (resumed, rendered) = studio.render(1);
            assert!(rendered.resumed_chunks >= 5, "{}", rendered.resumed_chunks);
            assert!(
                resumed == whole,
                "{transition:?}: {} and {} bytes",
                resumed.len(),
                whole.len()
            );
        }
    }
}
