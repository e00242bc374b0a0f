//! Which signs are pictures: they are written with the font of coloured emoji.

use unicode_segmentation::UnicodeSegmentation;

/// "Show it as text", "show it as a picture", and the frame around a key.
const AS_TEXT: char = '\u{fe0e}';
const AS_PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// `text` in pieces that are all pictures or none.
pub fn pieces(text: &str) -> Vec<(&str, bool)> {
    let mut pieces: Vec<(&str, bool)> = Vec::new();
    let mut start = 0;
    for (at, sign) in text.grapheme_indices(true) {
        let (end, is_picture) = (at + sign.len(), is_picture(sign));
        match pieces.last_mut() {
            Some((piece, same)) if *same == is_picture => *piece = &text[start..end],
            _ => {
                start = at;
                pieces.push((sign, is_picture));
            }
        }
    }
    pieces
}

fn is_picture(sign: &str) -> bool {
    let says = |what: char| sign.contains(what);
    !says(AS_TEXT) && (says(AS_PICTURE) || says(KEYCAP) || sign.chars().next().is_some_and(is_emoji))
}

/// Characters that are pictures if nothing else is said: `Emoji_Presentation` of Unicode's `emoji-data.txt`, above the
/// basic plane by blocks.
fn is_emoji(character: char) -> bool {
    matches!(character,
        '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}' | '\u{25fd}'..='\u{25fe}'
        | '\u{2614}'..='\u{2615}' | '\u{2648}'..='\u{2653}' | '\u{267f}' | '\u{2693}' | '\u{26a1}'
        | '\u{26aa}'..='\u{26ab}' | '\u{26bd}'..='\u{26be}' | '\u{26c4}'..='\u{26c5}' | '\u{26ce}' | '\u{26d4}'
        | '\u{26ea}' | '\u{26f2}'..='\u{26f3}' | '\u{26f5}' | '\u{26fa}' | '\u{26fd}' | '\u{2705}'
        | '\u{270a}'..='\u{270b}' | '\u{2728}' | '\u{274c}' | '\u{274e}' | '\u{2753}'..='\u{2755}' | '\u{2757}'
        | '\u{2795}'..='\u{2797}' | '\u{27b0}' | '\u{27bf}' | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}'
        | '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f300}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f7e0}'..='\u{1f7eb}' | '\u{1f900}'..='\u{1f9ff}' | '\u{1fa70}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_from_letters() {
        let expected = [
            ("Ana 1 ", false),
            ("1\u{fe0f}\u{20e3}😀👩‍👩‍👧", true),
            (" ☀\u{fe0e}☀", false),
            ("☀\u{fe0f}", true),
        ];
        assert_eq!(pieces("Ana 1 1\u{fe0f}\u{20e3}😀👩‍👩‍👧 ☀\u{fe0e}☀☀\u{fe0f}"), expected);
        assert_eq!(pieces(""), []);
    }
}
