//! Keeps the layer table true: which module of `src/` may import which, and what some may use alone.
//! Each breach is listed with its file, line and reason.

mod source;

use source::Source;
use std::fs;
use std::path::Path;

/// Layer, module, and what of this crate it may import besides itself. `dump::probe` opens only that part of `dump`.
#[rustfmt::skip]
const LAYERS: &[(u8, &str, &[&str])] = &[
    (0, "media",       &[]),
    (1, "av",          &["media"]),
    (1, "session",     &["media"]),
    (1, "layout",      &["media"]),
    (2, "dump",        &["media", "session", "av"]),
    (2, "timeline",    &["media", "session"]),
    (3, "composition", &["media", "session", "layout", "timeline", "dump::probe"]),
    (4, "render",      &["media", "av", "dump", "composition"]),
    (4, "storage",     &["media"]),
    (4, "notify",      &["media"]),
    (5, "job",         EVERYTHING_BELOW),
    (6, "worker",      EVERYTHING_BELOW),
    (7, "cli",         EVERYTHING_BELOW),
];
const EVERYTHING_BELOW: &[&str] = &["*"];

/// Files at the crate's root that wire the layers together and so may import any of them.
const WIRING: &[&str] = &["lib", "main", "config"];

/// Who may use what, and why: words, or paths (a closing `::` asks for something after it).
#[rustfmt::skip]
const RULES: &[(Who, &[&str], &str)] = &[
    (Only(&["av"]),                   &["ffmpeg::", "ffmpeg_next", "ffmpeg_sys_next"], "av alone speaks to FFmpeg"),
    (Only(&["av"]),                   &["unsafe"], "unsafe code lives in av"),
    (Only(&["render"]),               &["rayon"], "render alone decides what runs in parallel"),
    (Only(&["render"]),               &["cosmic_text", "tiny_skia"], "render alone draws shapes and letters"),
    (Only(&["dump"]),                 &["rtc_rtp", "rtc_shared", "bytes::Bytes"], "dump alone takes packets apart"),
    (Only(&["storage"]),              &["aws_config", "aws_sdk_s3", "aws_smithy_types"], "storage alone speaks S3"),
    (Only(&["notify", "storage", "worker"]), &["reqwest"], "notify, storage and worker alone speak HTTP"),
    (Only(&["worker"]),               &["lapin"], "worker alone speaks AMQP"),
    (Only(&["worker"]),               &["axum", "metrics"], "worker alone is asked how it is"),
    (Only(&["cli", "main"]),          &["clap", "println!", "print!", "stdout", "Stdout"], "the command line is cli's"),
    (Only(&["cli", "worker", "lib"]), &["crate::config"], "settings are handed down from the top"),
    (Never(PURE),                     &["async", "tokio"], "it is pure and has nothing to wait for"),
    (Never(PURE),                     &["std::fs", "std::net", "std::env"], "it is pure and is handed its input"),
    (Never(PURE),                     &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"],
                                      "it is pure and knows no time but the session's"),
    (Never(&["main"]),                &["mod", "crate::"], "main.rs only calls the library, as `tessera::`"),
];
const PURE: &[&str] = &["session", "timeline", "layout", "composition"];

enum Who {
    Only(&'static [&'static str]),
    Never(&'static [&'static str]),
}
use Who::{Never, Only};

#[test]
fn the_sources_keep_to_the_layer_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    collect(&root.join("src"), "src", &mut sources);
    assert!(!sources.is_empty(), "no sources found below {}", root.display());

    let breaches = breaches(&sources);
    let count = breaches.len();
    assert!(
        count == 0,
        "the layer table is broken {count} times:\n{}",
        breaches.join("\n")
    );
}

/// Adds every Rust file below a folder, in order of name.
fn collect(folder: &Path, name: &str, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an open folder can be read on").path())
        .collect();
    paths.sort();
    for path in paths {
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, sources);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {name}: {error}"));
            sources.push(Source::parse(&name, &text));
        }
    }
}

fn breaches(sources: &[Source]) -> Vec<String> {
    let is_for_tests = |source: &Source| {
        let mut declared = sources.iter().flat_map(|other| &other.test_modules);
        declared.any(|module| source.module.starts_with(module))
    };
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !is_for_tests(source)) {
        let (file, layer) = (&source.file, source.layer.as_str());
        if row(layer).is_none() && !WIRING.contains(&layer) {
            found.push(format!("{file}:1: module '{layer}' has no row in the layer table"));
        }
        for used in &source.uses {
            for (what, why) in objections(layer, &used.path) {
                found.push(format!(
                    "{file}:{}: layer '{layer}' may not use '{what}' (because {why})",
                    used.line
                ));
            }
        }
    }
    found.dedup();
    found
}

fn row(module: &str) -> Option<&'static (u8, &'static str, &'static [&'static str])> {
    LAYERS.iter().find(|(_, name, _)| *name == module)
}

/// What a module of this layer should not have used in this path, each with the reason.
fn objections(layer: &str, path: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::from_iter(import_objection(layer, path));
    for (who, what, why) in RULES {
        let forbidden = match who {
            Only(layers) => !layers.contains(&layer),
            Never(layers) => layers.contains(&layer),
        };
        let hits = what.iter().filter(|what| forbidden && mentions(path, what));
        found.extend(hits.map(|what| (what.trim_end_matches(':').to_owned(), (*why).to_owned())));
    }
    found
}

fn import_objection(layer: &str, path: &[String]) -> Option<(String, String)> {
    let [root, target, inner @ ..] = path else { return None };
    if root != "crate" || target == layer || WIRING.contains(&layer) || WIRING.contains(&target.as_str()) {
        return None;
    }
    let Some((target_level, ..)) = row(target) else {
        return Some((
            format!("crate::{target}"),
            "that is no module of the layer table".to_owned(),
        ));
    };
    let (level, _, imports) = row(layer)?;
    if *imports == EVERYTHING_BELOW {
        return (target_level >= level).then(|| (target.clone(), format!("it may import only layers below {level}")));
    }
    let part = inner
        .first()
        .map_or(target.clone(), |inner| format!("{target}::{inner}"));
    let allowed = imports.iter().any(|import| import == target || *import == part);
    (!allowed).then(|| (part, format!("it may import only: {}", imports.join(", "))))
}

/// Does the pattern occur as consecutive segments of the path?
fn mentions(path: &[String], pattern: &str) -> bool {
    let wanted: Vec<&str> = pattern.split("::").collect();
    let fits = |(segment, wanted): (&String, &&str)| wanted.is_empty() || segment == wanted;
    path.windows(wanted.len())
        .any(|window| window.iter().zip(&wanted).all(fits))
}

mod the_rules_can_fail {
    use super::*;

    /// The breaches of one file, each cut down to "line layer what".
    #[track_caller]
    fn expect(file: &str, text: &str, expected: &[&str]) {
        let found = breaches(&[Source::parse(file, text)]);
        let cut = |breach: &String| {
            let line = breach.split(':').nth(1).unwrap_or_default();
            let quoted: Vec<&str> = breach.split('\'').skip(1).step_by(2).take(2).collect();
            format!("{line} {}", quoted.join(" "))
        };
        assert_eq!(found.iter().map(cut).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_row_names_only_lower_layers() {
        for (level, name, imports) in LAYERS {
            for import in imports.iter().filter(|import| **import != "*") {
                let module = import.split("::").next().unwrap_or_default();
                assert!(
                    row(module).is_some_and(|(below, ..)| below < level),
                    "{import} is not below {name}"
                );
            }
        }
    }

    #[test]
    fn a_breach_says_where_what_and_why() {
        let found = breaches(&[Source::parse("src/timeline/fit.rs", "\nuse crate::av::Frame;")]);
        let why = "it may import only: media, session";
        assert_eq!(
            found,
            [format!(
                "src/timeline/fit.rs:2: layer 'timeline' may not use 'av::Frame' (because {why})"
            )]
        );
    }

    #[test]
    fn a_layer_imports_what_its_row_says() {
        expect("src/media/time.rs", "use crate::av;", &["1 media av"]);
        expect("src/av/mod.rs", "use crate::{media::A,\n dump::D};", &["2 av dump::D"]);
        expect(
            "src/av/mod.rs",
            "use crate::media::{A, B}; use crate::av::C; use super::av::D; use std::fs;",
            &[],
        );
        expect(
            "src/layout.rs",
            "fn f() -> crate::render::Canvas { 1 }",
            &["1 layout render::Canvas"],
        );
        expect(
            "src/media/mod.rs",
            "use crate::*; crate::Thing",
            &["1 media crate::*", "1 media crate::Thing"],
        );
    }

    #[test]
    fn composition_sees_only_the_probe_results_of_dump() {
        expect("src/composition/plan.rs", "use crate::dump::probe::Probe;", &[]);
        expect(
            "src/composition/plan.rs",
            "use crate::dump::{probe, Reader};",
            &["1 composition dump::Reader"],
        );
        expect("src/composition/plan.rs", "use crate::dump;", &["1 composition dump"]);
    }

    #[test]
    fn the_top_layers_see_all_below() {
        expect(
            "src/job/run.rs",
            "use crate::{render, notify}; use crate::cli::A;",
            &["1 job cli"],
        );
        expect(
            "src/worker/mod.rs",
            "use crate::{job, media}; use crate::cli::A;",
            &["1 worker cli"],
        );
        expect(
            "src/cli/plan.rs",
            "use crate::{job, config, media}; use crate::worker;",
            &[],
        );
        expect("src/job/run.rs", "use crate::config::Config;", &["1 job crate::config"]);
        expect("src/config.rs", "use crate::{worker, cli, media};", &[]);
    }

    #[test]
    fn a_module_outside_the_table_is_a_breach() {
        expect("src/util/mod.rs", "", &["1 util"]);
    }

    #[test]
    fn what_is_reserved_stays_in_its_place() {
        expect("src/dump/a.rs", "use ffmpeg_next as ff;", &["1 dump ffmpeg_next"]);
        expect(
            "src/render/a.rs",
            "fn f(ffmpeg: u8) { ffmpeg::init() }",
            &["1 render ffmpeg"],
        );
        expect(
            "src/render/a.rs",
            "use rayon::prelude::*; unsafe { f() }",
            &["1 render unsafe"],
        );
        expect(
            "src/job/a.rs",
            "println!(); io::stdout(); child.stdout;",
            &["1 job println!", "1 job stdout"],
        );
        expect(
            "src/notify/a.rs",
            "use reqwest::Client; use lapin::Channel;",
            &["1 notify lapin"],
        );
        expect(
            "src/worker/a.rs",
            "use lapin::Channel; use aws_sdk_s3::Client;",
            &["1 worker aws_sdk_s3"],
        );
        expect("src/av/a.rs", "unsafe { ffmpeg_next::init() }", &[]);
        expect("src/cli/a.rs", "use clap::Parser; fn f() { print!() }", &[]);
    }

    #[test]
    fn pure_layers_do_not_reach_outside() {
        let text = "use std::{fs, io};\nasync fn f() {}\nlet t = std::time::Instant::now();";
        let timeline = ["1 timeline std::fs", "2 timeline async", "3 timeline Instant::now"];
        expect("src/timeline/a.rs", text, &timeline);
        expect("src/dump/a.rs", text, &[]);
        expect("src/layout/a.rs", "let now = env!(); self.fs.now()", &[]);
    }

    #[test]
    fn main_only_calls_the_library() {
        expect(
            "src/main.rs",
            "use tessera::cli; fn main() { tessera::cli::run() }",
            &[],
        );
        expect(
            "src/main.rs",
            "mod cli; use crate::cli::run;",
            &["1 main mod", "1 main crate"],
        );
    }

    #[test]
    fn modules_declared_for_tests_are_left_out() {
        let child = || Source::parse("src/media/a/tests.rs", "use crate::job;");
        let count = |parent: &str| breaches(&[Source::parse("src/media/a.rs", parent), child()]).len();
        assert_eq!(count("#[cfg(test)] mod tests;"), 0);
        assert_eq!(count("mod tests;"), 1);
    }
}
