//! A layout's style in pixels of one canvas, and what is written about people.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

pub use crate::layout::Place;
use crate::{
    layout::{self, Layout, Length},
    media::{Rgb, Size},
    session::is_blank,
};

/// Longer names are cut: no tile has room for them.
const LONGEST_NAME: usize = 48;

/// Of one sign; the longest emoji have ten.
const MOST_CHARACTERS: usize = 16;

/// How scenes are decorated, in pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    pub layout: String,
    pub background: Rgb,
    /// A PNG's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_picture: Option<String>,
    /// Behind pictures that do not fill their tile.
    pub tile_background: Rgb,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border: Option<Line>,
    /// Around the tile of whoever speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaking: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Line {
    pub width: u32,
    pub color: Rgb,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Title {
    pub text: String,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Watermark {
    /// A PNG's path.
    pub picture: String,
    pub place: Place,
    pub width: u32,
    /// In percent.
    pub opacity: u8,
}

impl Look {
    /// What `layout` looks like on `canvas`; `title` is the session's.
    pub fn of(layout: &Layout, canvas: Size, title: &str) -> Look {
        let style = &layout.style;
        Look {
            layout: layout.name.clone(),
            background: style.background,
            background_picture: style.background_picture.clone(),
            tile_background: style.tile_background.unwrap_or(style.background),
            border: style.border.map(|it| line(it, canvas)),
            speaking: style.speaking.map(|it| line(it, canvas)),
            title: style.title.as_ref().map(|it| Title {
                text: plain(it.text.as_deref().unwrap_or(title)),
                place: it.place,
            }),
            watermark: style.watermark.as_ref().map(|it| Watermark {
                picture: it.picture.clone(),
                place: it.place,
                width: it.width.of(canvas.width).max(1),
                opacity: it.opacity,
            }),
        }
    }
}

/// A share of the canvas's shorter edge, in pixels.
pub fn radius(length: Length, canvas: Size) -> u32 {
    length.of(shorter(canvas))
}

/// Of the widest frame that a tile may have, in pixels: what stands on tiles keeps clear of it also where there is none
/// just now, so that it never jumps.
pub fn widest_line(style: &layout::Style, canvas: Size) -> u32 {
    let lines = style.speaking.iter().chain(&style.border);
    lines.map(|it| line(*it, canvas).width).max().unwrap_or(0)
}

fn line(line: layout::Line, canvas: Size) -> Line {
    Line {
        width: line.width.of(shorter(canvas)).max(1),
        color: line.color,
    }
}

fn shorter(canvas: Size) -> u32 {
    canvas.width.min(canvas.height)
}

/// A stranger's name as it may be drawn: one line, of reasonable length, without characters that turn its direction.
pub fn plain(name: &str) -> String {
    shortened(name, LONGEST_NAME)
}

/// Text of a stranger, of so many signs at most; nothing at all if none of it can be seen.
pub fn shortened(text: &str, most: usize) -> String {
    let is_override =
        |it: char| matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let visible: String = text
        .chars()
        .filter(|it| !is_override(*it))
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let line = words.join(" ");
    if is_blank(&line) {
        return String::new();
    }
    let kept: Vec<String> = line.graphemes(true).take(most + 1).map(unpiled).collect();
    if kept.len() > most {
        kept[..most].concat() + "…"
    } else {
        kept.concat()
    }
}

/// A sign without what is piled on it past all reason.
fn unpiled(sign: &str) -> String {
    sign.chars().take(MOST_CHARACTERS).collect()
}

/// The first letters of the first and the last word; of scripts without spaces, the first sign.
pub fn initials(name: &str) -> String {
    let is_letter = |sign: &&str| sign.chars().any(char::is_alphanumeric);
    let firsts: Vec<&str> = name
        .split_whitespace()
        .filter_map(|word| word.graphemes(true).find(is_letter))
        .collect();
    let chosen = match firsts.as_slice() {
        [] => name.graphemes(true).next().unwrap_or("?").to_owned(),
        [only] => (*only).to_owned(),
        [first, .., last] => format!("{first}{last}"),
    };
    chosen.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_short_line() {
        assert_eq!(plain("  Asha\n\t Rao\u{202e}  "), "Asha Rao");
        assert_eq!(plain(&"x".repeat(500)).chars().count(), LONGEST_NAME + 1);
        assert_eq!(plain("👩‍👩‍👧"), "👩‍👩‍👧");
        assert_eq!(
            plain(&format!("e{}x", "\u{301}".repeat(900))).chars().count(),
            MOST_CHARACTERS + 1
        );
        assert_eq!(plain("\u{200b}\u{2060} \u{3164}\u{feff}"), "");
    }

    #[test]
    fn initials_suit_every_script() {
        let all = [
            "Asha Rao",
            "chen",
            "Ада Кинг-Лавлейс",
            "王小明",
            "मीरा शर्मा",
            "(Ana) Maria de Souza",
            "🦊",
            "",
        ];
        assert_eq!(all.map(initials), ["AR", "C", "АК", "王", "मीश", "AS", "🦊", "?"]);
    }
}
