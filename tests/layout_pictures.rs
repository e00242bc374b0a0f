//! The pictures in docs/layouts: every layout with 1, 2, 5 and 17 to show, drawn anew and compared.
//!
//! A picture that changes on purpose is drawn again with TESSERA_DRAW_LAYOUTS=1, and looked at.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use support::{tessera, text, tool};
use tempfile::TempDir;

const COUNTS: [usize; 4] = [1, 2, 5, 17];
/// Letters may differ a little from font version to font version.
const LEAST_ON_AVERAGE: f64 = 0.985;
/// Of any window of a sixth of the height: nothing may be missing.
const LEAST_ANYWHERE: f64 = 0.6;

struct Picture {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

#[test]
fn every_layout_looks_as_its_pictures_show() {
    let folder = TempDir::new().unwrap();
    let differing: Vec<String> = layouts()
        .iter()
        .flat_map(|layout| COUNTS.map(|count| (layout, count)))
        .filter_map(|(layout, count)| {
            let name = format!("{layout}-{count}.png");
            let drawn = folder.path().join(&name);
            draw(layout, count, &drawn);
            if std::env::var_os("TESSERA_DRAW_LAYOUTS").is_some() {
                fs::create_dir_all(pictures()).unwrap();
                fs::copy(&drawn, pictures().join(&name)).unwrap();
            }
            difference(&drawn, &pictures().join(&name)).map(|why| format!("{name}: {why}"))
        })
        .collect();
    assert!(differing.is_empty(), "\n{}", differing.join("\n"));
}

#[test]
fn a_picture_of_something_else_is_told_apart() {
    let folder = TempDir::new().unwrap();
    let draw = |name: &str, options: &[&str]| {
        let out = folder.path().join(name);
        let fixed = [
            "layouts",
            "preview",
            "gallery",
            "--resolution",
            "480x270",
            "--out",
            text(&out),
        ];
        assert_eq!(tessera(&[&fixed, options].concat()).code, Some(0));
        out
    };
    let five = draw("five.png", &["--tiles", "5"]);
    assert_eq!(difference(&five, &five), None);
    assert!(difference(&five, &draw("six.png", &["--tiles", "6"])).is_some());
    let empty = TempDir::new().unwrap();
    let nameless = draw("nameless.png", &["--tiles", "5", "--fonts", text(empty.path())]);
    assert!(difference(&nameless, &five).is_some(), "names may be missing unnoticed");
}

#[test]
fn every_picture_is_shown_once_and_no_two_are_the_same() {
    let page = fs::read_to_string(docs().join("layouts.md")).unwrap();
    let mut contents = BTreeSet::new();
    let mut wanted: Vec<String> = layouts()
        .iter()
        .flat_map(|layout| COUNTS.map(|count| format!("{layout}-{count}.png")))
        .collect();
    for name in &wanted {
        assert_eq!(
            page.matches(&format!("(layouts/{name})")).count(),
            1,
            "{name} in docs/layouts.md"
        );
        assert!(
            contents.insert(fs::read(pictures().join(name)).unwrap()),
            "{name} is like another"
        );
    }
    wanted.sort();
    assert_eq!(support::names_in(&pictures()), wanted);
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn pictures() -> PathBuf {
    docs().join("layouts")
}

fn layouts() -> Vec<String> {
    let listed: serde_json::Value = serde_json::from_str(&tessera(&["layouts", "list", "--json"]).stdout).unwrap();
    let names = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|layout| layout["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// Somebody shares where the layout is about that.
fn draw(layout: &str, count: usize, out: &Path) {
    let shares = match layout {
        "presentation" => true,
        "picture-in-picture" => count >= 5,
        "portrait" => count == 17,
        _ => false,
    };
    let size = if layout == "portrait" { "216x384" } else { "480x270" };
    let count = count.to_string();
    let mut args = vec![
        "layouts",
        "preview",
        layout,
        "--tiles",
        &count,
        "--resolution",
        size,
        "--out",
        text(out),
    ];
    args.extend(shares.then_some("--share"));
    let run = tessera(&args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        !run.stdout.contains("no fonts"),
        "scripts/setup.sh installs fonts: {}",
        run.stdout
    );
}

/// How two pictures differ, if they do; the difference is then kept for looking at.
fn difference(found: &Path, expected: &Path) -> Option<String> {
    let (one, other) = (Picture::read(found), Picture::read(expected));
    if (one.width, one.height) != (other.width, other.height) {
        return Some("another size".to_owned());
    }
    let (mean, worst) = one.likeness(&other);
    if mean >= LEAST_ON_AVERAGE && worst >= LEAST_ANYWHERE {
        return None;
    }
    let name = format!("difference-{}", found.file_name().unwrap().to_str().unwrap());
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let filter = "[0]format=gray,split[a][c];[1]format=gray,split[b][d];\
                  [a][b]blend=all_mode=difference[e];[c][d][e]vstack=inputs=3";
    tool(
        "ffmpeg",
        &[
            "-y",
            "-i",
            text(found),
            "-i",
            text(expected),
            "-filter_complex",
            filter,
            text(&kept),
        ],
    );
    Some(format!(
        "likeness {mean:.3}, at worst {worst:.3}; found, expected and difference: {}",
        kept.display()
    ))
}

impl Picture {
    fn read(path: &Path) -> Picture {
        let facts = support::probed(path, &["-show_streams"]);
        let edge = |name: &str| facts["streams"][0][name].as_u64().unwrap() as usize;
        let raw = ["-pix_fmt", "gray", "-f", "rawvideo", "-"];
        Picture {
            width: edge("width"),
            height: edge("height"),
            luma: tool("ffmpeg", &[&["-i", text(path)][..], &raw].concat()),
        }
    }

    /// SSIM (Wang et al. 2004) in windows of 8x8: the mean of all, and the least mean of any larger window.
    fn likeness(&self, other: &Picture) -> (f64, f64) {
        let (columns, rows) = (self.width / 8, self.height / 8);
        let windows: Vec<f64> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| ssim(&self.window(row, column), &other.window(row, column)))
            .collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let side = (rows / 6).max(1);
        let mut worst = 1.0f64;
        for (top, left) in (0..=rows - side).flat_map(|top| (0..=columns - side).map(move |left| (top, left))) {
            let inside = (0..side * side).map(|index| windows[(top + index / side) * columns + left + index % side]);
            worst = worst.min(mean(&inside.collect::<Vec<f64>>()));
        }
        (mean(&windows), worst)
    }

    fn window(&self, row: usize, column: usize) -> [f64; 64] {
        std::array::from_fn(|index| {
            let (x, y) = (column * 8 + index % 8, row * 8 + index / 8);
            f64::from(self.luma[y * self.width + x])
        })
    }
}

fn ssim(one: &[f64; 64], other: &[f64; 64]) -> f64 {
    let mean = |values: &[f64; 64]| values.iter().sum::<f64>() / 64.0;
    let (m1, m2) = (mean(one), mean(other));
    let covariance = |a: &[f64; 64], ma: f64, b: &[f64; 64], mb: f64| {
        a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>() / 63.0
    };
    let (v1, v2, both) = (
        covariance(one, m1, one, m1),
        covariance(other, m2, other, m2),
        covariance(one, m1, other, m2),
    );
    let (c1, c2) = (6.5025, 58.5225);
    ((2.0 * m1 * m2 + c1) * (2.0 * both + c2)) / ((m1 * m1 + m2 * m2 + c1) * (v1 + v2 + c2))
}
