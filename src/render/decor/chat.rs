//! Messages over the pictures: boxes at the lower right, the latest at the bottom.

use tiny_skia::Pixmap;

use super::{
    painter::{DENSE_OPACITY, Drawn, Painter, SHADE},
    shapes::{fill_rounded, paint},
    text::Line,
};
use crate::{
    composition::{ChatLine, plate::SMALLEST_TEXT},
    media::{Rect, Rgb},
};

const NAME: Rgb = Rgb {
    red: 0x8f,
    green: 0xc7,
    blue: 0xff,
};
/// Of one message.
const MOST_LINES: usize = 4;

/// A message that is shaped: its name, its text, and how high its box is.
struct Message {
    name: Option<Line>,
    text: Option<Line>,
    height: u32,
}

impl Painter {
    /// The boxes of `messages` in `rect`, as many of the latest as there is room for.
    pub fn chat(&mut self, rect: Rect, messages: &[ChatLine]) -> Option<Drawn> {
        let size = (rect.height / 24).max(SMALLEST_TEXT);
        let (pad, gap, leading) = (size * 3 / 4, size / 2, size * 5 / 4);
        let room = rect.width.checked_sub(2 * pad)?;
        let mut pixmap = Pixmap::new(rect.width, rect.height)?;
        let mut bottom = rect.height;
        for message in messages.iter().rev() {
            let message = self.shaped(message, size, room)?;
            let height = message.height * leading + 2 * pad;
            let Some(top) = bottom.checked_sub(height) else { break };
            let widest = [&message.name, &message.text]
                .into_iter()
                .flatten()
                .map(|line| line.width)
                .max();
            let width = (widest.unwrap_or(0) + 2 * pad).min(rect.width);
            let left = rect.width - width;
            fill_rounded(
                &mut pixmap,
                Rect::new(left, top, width, height),
                size / 2,
                &paint(SHADE, DENSE_OPACITY),
            );
            let mut baseline = (top + pad + size) as i32;
            for (line, color) in [
                (message.name, [NAME.red, NAME.green, NAME.blue]),
                (message.text, [255; 3]),
            ] {
                if let Some(line) = line {
                    self.typesetter()?
                        .draw(&line, &mut pixmap, (left + pad) as i32, baseline, color);
                    baseline += (line.rows * leading) as i32;
                }
            }
            bottom = top.saturating_sub(gap);
        }
        Some(Drawn { rect, pixmap })
    }

    fn shaped(&mut self, message: &ChatLine, size: u32, room: u32) -> Option<Message> {
        let setter = self.typesetter()?;
        let name = setter.line(&message.name, size, room);
        let text = setter.paragraph(&message.text, size, room, MOST_LINES);
        let rows = |line: &Option<Line>| line.as_ref().map_or(0, |line| line.rows);
        let height = rows(&name) + rows(&text);
        Some(Message { name, text, height })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::text::Fonts, *};

    #[test]
    fn white_letters_beneath_a_message_do_not_mix_with_its_own() {
        let message = ChatLine {
            name: "Chen".to_owned(),
            text: "hello all".to_owned(),
        };
        let drawn = Painter::new(Fonts::System)
            .chat(Rect::new(0, 0, 512, 432), &[message])
            .unwrap();
        // the air below the letters
        let air = drawn.pixmap.pixel(480, 428).unwrap();
        let over_white = air.green() + (255 - air.alpha());
        assert!((1..=40).contains(&over_white), "{air:?} over white is {over_white}");
    }
}
