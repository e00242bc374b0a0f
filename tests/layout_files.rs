//! What is said of layout files, requests and messages that cannot be meant.

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use support::{compose, planned, sample, tessera, text};
use tempfile::TempDir;

/// A layout file with such regions.
fn layout(folder: &Path, regions: &str) -> String {
    let path = folder.join("own.toml");
    let head = "name = \"own\"\ndescription = \"d\"\n[style]\nbackground = \"#000000\"\navatars = true\n[[variant]]\n";
    fs::write(&path, format!("{head}{regions}")).unwrap();
    text(&path).to_owned()
}

fn region(places: &str) -> String {
    format!("[[variant.region]]\nname = \"r{}\"\n{places}\n", places.len())
}

fn warnings(options: &[&str]) -> String {
    let plan: Value = serde_json::from_str(&planned(&sample(), options)).unwrap();
    plan["warnings"].to_string()
}

#[test]
fn regions_in_each_others_way_are_refused_wherever_a_layout_is_used() {
    let folder = TempDir::new().unwrap();
    let regions = region("width = 0.6") + &region("x = 0.5\nwidth = 0.5");
    let file = layout(folder.path(), &regions);
    let said = ["'r11'", "overlap", "1280x720", "a higher z"];
    tessera(&["plan", text(&sample()), "--layout", &file]).failed_with(2, &said);
    let out = folder.path().join("x.png");
    tessera(&["layouts", "preview", &file, "--out", text(&out)]).failed_with(2, &said);
    assert_eq!(
        compose(&sample(), &folder.path().join("out"), &["--layout", &file]).code,
        Some(2)
    );
    assert!(!out.exists());
}

#[test]
fn what_is_no_layout_file_is_not_read() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| text(&folder.path().join(name)).to_owned();
    fs::write(place("large.toml"), vec![b'#'; 300 << 10]).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(place("pipe.toml"))
            .status()
            .unwrap()
            .success()
    );
    for (name, word) in [
        ("large.toml", "262144"),
        ("pipe.toml", "regular file"),
        ("none.toml", "none.toml"),
    ] {
        tessera(&["layouts", "show", &place(name)]).failed_with(2, &[name, word]);
    }
    tessera(&["compose", text(&sample()), "--frame-at", "3", &place("x.jpg")]).failed_with(2, &["x.jpg", ".png"]);
}

#[test]
fn pictures_that_are_none_are_neither_waited_for_nor_decoded() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| text(&folder.path().join(name)).to_owned();
    let pipe = Command::new("mkfifo").arg(place("pipe.png")).status().unwrap();
    assert!(pipe.success());
    // the header of a picture of 60000x60000
    let header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\xff\xff\xff\xff";
    fs::write(place("bomb.png"), header).unwrap();
    let grid = tessera(&["layouts", "show", "grid"]).stdout;
    let file = place("picture.toml");
    for (picture, cause) in [
        ("none.png", "No such file"),
        ("pipe.png", "regular file"),
        ("/dev/zero", "regular file"),
        (".", "regular file"),
        ("bomb.png", "60000x60000"),
    ] {
        for style in ["background_picture = \"P\"", "watermark = { picture = \"P\" }"] {
            let style = format!("[style]\n{}", style.replace('P', picture));
            fs::write(&file, grid.replace("[style]", &style)).unwrap();
            let said = ["picture.toml", picture, cause];
            tessera(&["plan", text(&sample()), "--layout", &file]).failed_with(2, &said);
            let out = place("x.png");
            tessera(&["layouts", "preview", &file, "--out", &out]).failed_with(2, &said);
        }
    }
}

#[test]
fn requests_that_mean_nobody_are_told() {
    assert_eq!(warnings(&["--hide-peer", "Bru*", "--silence-role", "host"]), "[]");
    for (options, words) in [
        (["--hide-peer", "bruno"], ["'bruno'", "capital letters"]),
        (["--show-role", "HOST"], ["'HOST'", "host, participant, presenter"]),
        (["--show-role", "HOST"], ["nobody is ever to be seen", "gallery"]),
        (["--silence-peer", "nobody"], ["'nobody'", "user id"]),
        (["--layout-at", "500=grid"], ["'grid'", "recording is over"]),
        (
            ["--layout-at=5=grid", "--layout-at=0:05=interview"],
            ["'grid' is not shown", "'interview'"],
        ),
        (["--chat", "--no-levelling"], ["no chat message", "recording"]),
    ] {
        let found = warnings(&options);
        assert!(words.iter().all(|word| found.contains(word)), "{options:?}: {found}");
    }
    tessera(&["plan", text(&sample()), "--layout-at", "-5=grid"]).failed_with(2, &["'-5' is not a time"]);
}

#[test]
fn fonts_that_are_not_there_are_told() {
    let folder = TempDir::new().unwrap();
    let (out, missing) = (folder.path().join("x.png"), folder.path().join("no-fonts"));
    let preview = [
        "layouts",
        "preview",
        "grid",
        "--out",
        text(&out),
        "--fonts",
        text(&missing),
    ];
    tessera(&preview).failed_with(2, &["no-fonts", "No such file", "the system's fonts"]);
    let session = sample();
    let frame = [
        "compose",
        text(&session),
        "--frame-at",
        "3",
        text(&out),
        "--fonts",
        text(&missing),
    ];
    tessera(&frame).failed_with(2, &["no-fonts"]);
    assert!(!out.exists());
}

#[test]
fn regions_without_room_are_told() {
    let folder = TempDir::new().unwrap();
    let file = layout(folder.path(), &region("padding = 0.6"));
    let found = warnings(&["--layout", &file]);
    assert!(found.contains("'r13'") && found.contains("no room"), "{found}");
    assert!(found.contains("at most 0 tiles"), "{found}");
    let file = layout(folder.path(), &region("max_tiles = 1"));
    let found = warnings(&["--layout", &file]);
    assert!(found.contains("at most 1 tile at once"), "{found}");
}

#[test]
fn previews_show_the_roles_that_a_layout_asks_for() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("x.png");
    let draw = |show: &str| {
        let file = layout(folder.path(), &region(show));
        tessera(&[
            "layouts",
            "preview",
            &file,
            "--out",
            text(&out),
            "--resolution",
            "320x180",
        ])
        .stdout
    };
    assert!(!draw("show = { roles = [\"teacher*\"] }").contains("warning"));
    assert!(draw("show = { peers = [\"x\"] }").contains("nobody is ever to be seen"));
}

#[test]
fn messages_that_are_none_are_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("chat.csv");
    for (bytes, word) in [
        (
            &b"p1,Asha,u1,host,2026-11-20T10:00:04Z,chat,Hi\n"[..],
            "SenderPeerID,SenderName",
        ),
        (b"", "SentAt"),
        (b"SenderName;SentAt;Message\nA;1;x\n", "commas"),
        (b"SentAt,Message\n2026-11-20T10:00:04Z,\"Hi\n", "quotation mark"),
        (b"SentAt,Message\n2026-11-20T10:00:04Z,H\xe9\n", "UTF-8"),
    ] {
        fs::write(&file, bytes).unwrap();
        tessera(&["plan", text(&sample()), "--chat-csv", text(&file)]).failed_with(2, &["chat.csv", word]);
    }
}
