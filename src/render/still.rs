//! One true frame of a plan, as a PNG.

use tiny_skia::{IntSize, Pixmap};

use super::{
    RenderError, RenderInput,
    canvas::CanvasPool,
    compose::{Composer, Findings},
};
use crate::{av::Picture, media::Tick};

/// What the recording shows at a tick.
pub struct Still {
    pub png: Vec<u8>,
    /// What of the decoration had to be left out, and why.
    pub warnings: Vec<String>,
}

/// Draws the frame at `tick`, decoding only from the keyframes before it.
pub fn still(input: &RenderInput<'_>, tick: Tick) -> Result<Still, RenderError> {
    let mut composer = Composer::new(input);
    let mut pictures = vec![(tick, CanvasPool::new(input.plan.canvas, 1).lease()?)];
    composer.draw(&mut pictures, Tick(tick.0 + 1))?;
    let Findings { warnings, .. } = composer.findings();
    let png = png(&pictures[0].1.picture);
    Ok(Still { png, warnings })
}

/// A canvas as a PNG.
pub fn png(picture: &Picture) -> Vec<u8> {
    let size = picture.size();
    let rgb = picture.to_rgb();
    let rgba = rgb
        .chunks_exact(3)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]);
    let size = IntSize::from_wh(size.width, size.height).expect("a canvas has edges");
    let pixmap = Pixmap::from_vec(rgba.collect(), size).expect("there are four bytes for every pixel");
    pixmap
        .encode_png()
        .expect("a picture in memory can be written to memory")
}
