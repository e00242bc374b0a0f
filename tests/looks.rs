//! What layouts make of a session, seen on finished recordings and single frames.

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{Recording, names_in, planned, sample, session::SessionCopy, tessera, text, tool};
use tempfile::TempDir;

const SIZE: (usize, usize) = (320, 180);

/// The RGB pixels of the frame at `seconds`, drawn on its own.
fn frame(session: &Path, seconds: &str, options: &[&str]) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("frame.png");
    let fixed = [
        "compose",
        text(session),
        "--frame-at",
        seconds,
        text(&out),
        "--resolution",
        "320x180",
    ];
    let run = tessera(&[&fixed, options].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(names_in(folder.path()), ["frame.png"]);
    pixels(&out)
}

fn pixels(picture: &Path) -> Vec<u8> {
    tool(
        "ffmpeg",
        &["-i", text(picture), "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
    )
}

fn pixel(pixels: &[u8], x: usize, y: usize) -> [u8; 3] {
    let at = (y * SIZE.0 + x) * 3;
    [pixels[at], pixels[at + 1], pixels[at + 2]]
}

fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= 12)
}

/// How far the two most different blocks of 10x10 pixels are apart, in steps of 255.
fn worst_block(one: &[u8], other: &[u8]) -> u64 {
    let off = |x: usize, y: usize| {
        let pair = pixel(one, x, y).into_iter().zip(pixel(other, x, y));
        pair.map(|(one, other)| u64::from(one.abs_diff(other))).sum::<u64>()
    };
    let block = |left: usize, top: usize| {
        let places = (0..100).map(|index| (left + index % 10, top + index / 10));
        places.map(|(x, y)| off(x, y)).sum::<u64>() / 300
    };
    let blocks = (0..SIZE.1)
        .step_by(10)
        .flat_map(|top| (0..SIZE.0).step_by(10).map(move |left| (left, top)));
    blocks.map(|(left, top)| block(left, top)).max().unwrap()
}

/// In a recording most of a frame is copied from the one before, decoration and all; drawn on its own, nothing is.
#[test]
fn every_frame_of_a_recording_is_what_it_would_be_on_its_own() {
    for layout in [
        "grid",
        "gallery",
        "speaker",
        "picture-in-picture",
        "presentation",
        "audio-only",
    ] {
        let options = ["--layout", layout, "--layout-at", "17=interview", "--crf", "12"];
        let recording = Recording::small(&sample(), &options);
        for seconds in ["0", "3.6", "9.4", "12.36", "13.2", "16.96", "21.6"] {
            let tick = (seconds.parse::<f64>().unwrap() * f64::from(recording.plan.ticks_per_second)).round() as i64;
            let recorded: Vec<u8> = recording
                .video
                .at(tick)
                .pixels()
                .flat_map(|(_, _, rgb)| rgb.map(|it| it as u8))
                .collect();
            let alone = frame(&sample(), seconds, &options);
            let off = worst_block(&recorded, &alone);
            assert!(off <= 12, "{layout} at {seconds} s: {off}");
        }
    }
}

fn plan(options: &[&str]) -> Value {
    serde_json::from_str(&planned(&sample(), options)).unwrap()
}

#[test]
fn people_are_hidden_and_silenced_by_role_and_by_peer() {
    let peers = |plan: &Value| {
        let scenes = plan["scenes"].as_array().unwrap();
        let places = scenes.iter().flat_map(|scene| {
            let all = [&scene["tiles"], &scene["decorations"]]
                .into_iter()
                .filter_map(Value::as_array)
                .flatten();
            all.filter_map(|place| place["peer_id"].as_str())
        });
        let mut peers: Vec<String> = places.map(str::to_owned).collect();
        peers.sort();
        peers.dedup();
        peers.concat()
    };
    let heard = |plan: &Value| {
        let tracks = plan["audio"].as_array().unwrap().iter();
        tracks
            .map(|track| track["peer_id"].as_str().unwrap())
            .collect::<String>()
    };
    let both = |options: &[&str]| {
        let plan = plan(options);
        (peers(&plan), heard(&plan))
    };
    let all = "p1p2p3p4".to_owned();
    assert_eq!(both(&[]), (all.clone(), all.clone()));
    assert_eq!(
        both(&["--hide-peer", "Bru*", "--hide-peer", "p4"]),
        ("p1p3".to_owned(), all.clone())
    );
    assert_eq!(both(&["--show-peer", "p1"]), ("p1".to_owned(), all.clone()));
    assert_eq!(both(&["--silence-peer", "p2"]), (all.clone(), "p1p3p4".to_owned()));
    let role = "host";
    let hosts = both(&["--show-role", role, "--hear-role", role]);
    let others = both(&["--hide-role", role, "--silence-role", role]);
    assert_eq!(hosts.0, hosts.1);
    assert_eq!(others.0, others.1);
    assert!(!hosts.0.is_empty() && !others.0.is_empty());
    assert_eq!(hosts.0.len() + others.0.len(), all.len());
}

#[test]
fn the_automatic_rate_is_that_of_the_cameras_that_are_seen() {
    let rate = |options: &[&str]| plan(options)["ticks_per_second"].as_u64().unwrap();
    assert_eq!(rate(&[]), 25);
    assert_eq!(rate(&["--show-peer", "Chen"]), 20);
    assert_eq!(rate(&["--show-peer", "Dalia"]), 15);
    // nobody is seen
    assert_eq!(rate(&["--hide-peer", "*"]), 10);
}

#[test]
fn without_fonts_names_are_left_out_and_the_report_says_so() {
    let (empty, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let options = [support::SMALL, &["--to", "2", "--fonts", text(empty.path())]].concat();
    assert_eq!(support::compose(&sample(), out.path(), &options).code, Some(0));
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("report.json")).unwrap()).unwrap();
    let warnings = report["warnings"].as_array().unwrap();
    assert!(
        warnings.len() == 1 && warnings[0].as_str().unwrap().contains("--fonts"),
        "{warnings:?}"
    );
}

#[test]
fn names_of_strangers_do_no_harm() {
    let mut copy = SessionCopy::new();
    let wild = "\u{202e}\n\0".to_owned() + &"ﷺ𒐫👩‍👩‍👧‍👦é́́́́\u{200d}".repeat(400);
    copy.manifest["peers"][0]["name"] = json!(wild);
    copy.manifest["peers"][1]["name"] = json!("");
    copy.manifest["peers"][2]["name"] = json!("\u{10ffff}\u{10fffe}");
    let session = copy.saved();
    for layout in ["gallery", "audio-only"] {
        frame(&session, "12", &["--layout", layout]);
    }
}

/// A layout file with pictures of its own, beside it.
#[test]
fn background_watermark_and_title_stand_where_the_layout_says() {
    let folder = TempDir::new().unwrap();
    let picture = |name: &str, colour: &str, size: &str| {
        let source = format!("color={colour}:s={size}");
        let out = folder.path().join(name);
        tool("ffmpeg", &["-f", "lavfi", "-i", &source, "-frames:v", "1", text(&out)]);
    };
    picture("wall.png", "0x3050a0", "64x36");
    picture("logo.png", "0xf0f000", "40x40");
    let file = folder.path().join("own.toml");
    let layout = r##"
        name = "own"
        description = "one tile with all that can be around it"
        [style]
        background = "#ff0000"
        background_picture = "wall.png"
        border = { width = 4, color = "#00ffff" }
        corner_radius = 30
        title = { text = "Hello", place = "bottom" }
        watermark = { picture = "logo.png", width = 20, opacity = 100 }
        [[variant]]
        [[variant.region]]
        name = "one"
        padding = 20
        fit = "cover"
        max_tiles = 1
    "##;
    fs::write(&file, layout).unwrap();
    let seen = frame(&sample(), "2", &["--layout", text(&file)]);
    let at = |x, y| pixel(&seen, x, y);
    assert!(
        is_near(at(5, 5), [0x30, 0x50, 0xa0]),
        "the background's picture: {:?}",
        at(5, 5)
    );
    assert!(
        is_near(at(24, 24), [0x30, 0x50, 0xa0]),
        "what shows in the corner: {:?}",
        at(24, 24)
    );
    assert!(is_near(at(22, 90), [0, 255, 255]), "the border: {:?}", at(22, 90));
    assert!(
        is_near(at(306, 14), [0xf0, 0xf0, 0]),
        "the watermark, over background and tile: {:?}",
        at(306, 14)
    );
    assert!(
        is_near(at(298, 21), [0xf0, 0xf0, 0]),
        "the watermark over the tile: {:?}",
        at(298, 21)
    );
    let is_white = |x: usize| (160..178).any(|y| at(x, y).iter().all(|channel| *channel > 180));
    assert!(
        (140..180).filter(|x| is_white(*x)).count() > 8,
        "the title is not there"
    );

    fs::remove_file(folder.path().join("logo.png")).unwrap();
    let run = tessera(&["plan", text(&sample()), "--layout", text(&file)]);
    run.failed_with(2, &["logo.png"]);
}

#[test]
fn an_empty_room_says_whose_it_is() {
    let mut copy = SessionCopy::new();
    copy.keep_tracks(&["asha-mic"]);
    let session = copy.saved();
    let plan: Value = serde_json::from_str(&planned(&session, &["--layout", "presentation"])).unwrap();
    assert_eq!(plan["scenes"][0]["decorations"][0]["initials"], "A");
    let hidden = frame(&session, "2", &["--hide-peer", "*"]);
    let lit = hidden.chunks(3).filter(|pixel| pixel[0] > 100).count();
    assert!((20..2000).contains(&lit), "{lit} pixels are lit");
}

#[test]
fn layouts_can_be_shown_and_drawn_and_wrong_ones_are_told() {
    let shown = tessera(&["layouts", "show", "speaker"]);
    assert!(
        shown.code == Some(0) && shown.stdout.starts_with("# speaker: "),
        "{}",
        shown.stdout
    );
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mine.toml");
    fs::write(&file, &shown.stdout).unwrap();
    let out = folder.path().join("deep/mine.png");
    let run = tessera(&[
        "layouts",
        "preview",
        text(&file),
        "--tiles",
        "1",
        "--resolution",
        "320x180",
        "--out",
        text(&out),
    ]);
    assert_eq!(run.stdout.trim_end(), text(&out));
    assert_eq!(pixels(&out).len(), SIZE.0 * SIZE.1 * 3);
    // of a room without anybody `grid` shows nothing, the others its name
    for (layout, is_bare) in [("grid", true), ("gallery", false)] {
        let empty = folder.path().join("empty.png");
        let run = tessera(&["layouts", "preview", layout, "--tiles", "0", "--out", text(&empty)]);
        assert_eq!(run.code, Some(0), "{run:#?}");
        let seen = pixels(&empty);
        assert_eq!(
            seen.chunks_exact(3).all(|pixel| pixel == &seen[..3]),
            is_bare,
            "{layout}"
        );
    }
    tessera(&["layouts", "preview", "mosaic"]).failed_with(2, &["mosaic", "gallery"]);
    tessera(&["layouts", "preview", "grid", "--tiles", "61"]).failed_with(2, &["61"]);
    let schema: Value = serde_json::from_str(&tessera(&["schema", "layout"]).stdout).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
}

#[test]
fn frames_outside_the_recording_are_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("frame.png");
    let session = sample();
    let at = |time| tessera(&["compose", text(&session), "--frame-at", time, text(&out)]);
    at("25").failed_with(2, &["25.000 s"]);
    at("soon").failed_with(2, &["--frame-at", "soon"]);
    assert!(names_in(folder.path()).is_empty());
    assert_eq!(at("24.99").code, Some(0));
}

#[test]
fn messages_are_shown_for_some_seconds_if_asked_for() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("chat.csv");
    let csv = "SenderPeerID,SenderName,SenderUserID,Roles,SentAt,Type,Message\n\
               p1,Asha,u1,host,2026-11-20T10:00:02Z,chat,\"Here it is: a long message, so that it takes several lines\"\n\
               ,,,,1795168804000,chat,とても良い 👍\n";
    fs::write(&file, csv).unwrap();
    let mut copy = SessionCopy::new();
    let chat = json!([{"at": support::session::wall(6.0), "peer_id": "p2", "message": "من هم"}]);
    copy.manifest["chat"] = chat;
    let session = copy.saved();
    let options = ["--layout", "single", "--chat", "--chat-csv", text(&file)];
    let plan: Value = serde_json::from_str(&planned(&session, &options)).unwrap();
    let said: Vec<(f64, String)> = plan["scenes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scene| {
            let chat = scene["decorations"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|it| it["kind"] == "chat");
            let names = chat.into_iter().flat_map(|chat| chat["messages"].as_array().unwrap());
            let names = names.map(|message| format!("[{}]", message["name"].as_str().unwrap()));
            (scene["start"].as_f64().unwrap() / 25.0, names.collect::<String>())
        })
        .collect();
    let at = |time: f64| said.iter().rev().find(|(start, _)| *start <= time).unwrap().1.as_str();
    assert_eq!(
        [0.0, 1.9, 2.0, 4.0, 6.0, 9.9, 10.0, 12.0, 14.0].map(at),
        [
            "",
            "",
            "[Asha]",
            "[Asha][]",
            "[Asha][][Bruno]",
            "[Asha][][Bruno]",
            "[][Bruno]",
            "[Bruno]",
            ""
        ]
    );
    // it covers the lower right, over the picture, and nothing else
    let (with, without) = (
        frame(&session, "7", &options),
        frame(&session, "7", &["--layout", "single"]),
    );
    let differs = |x: usize, y: usize| !is_near(pixel(&with, x, y), pixel(&without, x, y));
    let differing = (0..SIZE.1)
        .flat_map(|y| (0..SIZE.0).map(move |x| (x, y)))
        .filter(|(x, y)| differs(*x, *y));
    let differing: Vec<(usize, usize)> = differing.collect();
    assert!(
        differing.len() > 1500 && differing.iter().all(|(x, y)| *x > 180 && *y > 60),
        "{}",
        differing.len()
    );

    fs::write(&file, "a,b\n1,2\n").unwrap();
    tessera(&["plan", text(&session), "--chat-csv", text(&file)]).failed_with(2, &["chat.csv", "SentAt"]);
}
