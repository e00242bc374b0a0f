//! A plan's last scene with stand-ins for its people: what a layout looks like, without a session.

use tiny_skia::{Pixmap, PixmapPaint, Transform};

use super::{
    Fonts, RenderError,
    decor::{Decorator, Dressing, overlay_of, shapes},
    still::{Still, png},
};
use crate::{
    av::{AvError, Overlay, Picture, TileMut},
    composition::{Plan, Tile},
    media::{Rect, Rgb, Size, Tick},
};

/// Behind the stand-ins, and what they wear.
const COLORS: [(Rgb, Rgb); 6] = [
    (rgb(0xc9, 0xd6, 0xdf), rgb(0x3f, 0x6c, 0x8f)),
    (rgb(0xe3, 0xd5, 0xca), rgb(0x9a, 0x5b, 0x45)),
    (rgb(0xd0, 0xdd, 0xc8), rgb(0x4d, 0x7a, 0x4f)),
    (rgb(0xdc, 0xd0, 0xe2), rgb(0x6f, 0x53, 0x8f)),
    (rgb(0xe6, 0xdd, 0xb8), rgb(0x8c, 0x74, 0x2c)),
    (rgb(0xc8, 0xdc, 0xdd), rgb(0x2f, 0x76, 0x78)),
];
const FACES: [Rgb; 4] = [
    rgb(0xe8, 0xbd, 0x98),
    rgb(0x8d, 0x5a, 0x3c),
    rgb(0xf1, 0xcf, 0xb0),
    rgb(0xb9, 0x7f, 0x56),
];
const PAGE: Rgb = rgb(0xf4, 0xf5, 0xf7);
const INK: Rgb = rgb(0x5a, 0x67, 0x78);

const fn rgb(red: u8, green: u8, blue: u8) -> Rgb {
    Rgb { red, green, blue }
}

/// Draws the last scene of `plan`.
pub fn preview(plan: &Plan, fonts: &Fonts) -> Result<Still, RenderError> {
    let mut decorator = Decorator::new(plan, fonts.clone());
    let scene = plan.scenes.last().expect("a plan has at least one scene");
    let dressed = decorator.dress(scene);
    let mut canvas = Picture::new(plan.canvas)?;
    dressed.backdrop.paint(&mut canvas);
    for tile in dressed.layers.iter().flatten() {
        let place = &scene.tiles[tile.index];
        draw(&mut canvas.split(&[place.rect])[0], place, &tile.dressing)?;
    }
    let last = Tick(plan.length.0 - 1);
    dressed.meters.iter().for_each(|meter| meter.draw(last, &mut canvas));
    Ok(Still {
        png: png(&canvas),
        warnings: decorator.into_warnings(),
    })
}

fn draw(tile: &mut TileMut<'_>, place: &Tile, dressing: &Dressing) -> Result<(), AvError> {
    let size = place.rect.size();
    let Some(picture) = stand_in(place) else { return Ok(()) };
    match &dressing.mask {
        None => lay(tile, &picture, dressing),
        Some(mask) => {
            let mut apart = Picture::new(size)?;
            let mut parts = apart.split(&[Rect::new(0, 0, size.width, size.height)]);
            lay(&mut parts[0], &picture, dressing);
            tile.paste(&mut parts[0], mask);
        }
    }
    Ok(())
}

fn lay(tile: &mut TileMut<'_>, picture: &Overlay, dressing: &Dressing) {
    tile.fill(dressing.background);
    tile.lay(picture);
    if let Some(overlay) = &dressing.overlay {
        tile.lay(overlay);
    }
}

/// Somebody before a wall, or a page; always the same for the same track.
fn stand_in(tile: &Tile) -> Option<Overlay> {
    let size = tile.rect.size();
    let is_screen = tile.track_id.as_str().ends_with("screen");
    // cameras and screens are 16:9: what of them is shown, and where, follows from the fit
    let placed = tile
        .fit
        .place(Size::new(1600, 900), Rect::new(0, 0, size.width, size.height));
    let scale = placed.place.width as f32 / placed.part.width as f32;
    let (x, y) = (placed.part.x as f32 * scale, placed.part.y as f32 * scale);
    let view = Transform::from_row(scale, 0.0, 0.0, scale, -x, -y);
    let mut picture = Pixmap::new(placed.place.width, placed.place.height)?;
    if is_screen {
        page(&mut picture, view);
    } else {
        person(&mut picture, view, seed(tile.peer_id.as_str()));
    }
    let mut pixmap = Pixmap::new(size.width, size.height)?;
    let (left, top) = (placed.place.x as i32, placed.place.y as i32);
    let paint = PixmapPaint::default();
    pixmap.draw_pixmap(left, top, picture.as_ref(), &paint, Transform::identity(), None);
    Some(overlay_of(&pixmap))
}

fn person(onto: &mut Pixmap, view: Transform, seed: usize) {
    let (wall, clothes) = COLORS[seed % COLORS.len()];
    let face = FACES[seed / 2 % FACES.len()];
    shapes::fill_rect(onto, Rect::new(0, 0, 1600, 900), wall, view);
    shapes::fill_ellipse(onto, (800.0, 580.0), (80.0, 120.0), face, view);
    shapes::fill_ellipse(onto, (800.0, 980.0), (430.0, 370.0), clothes, view);
    shapes::fill_ellipse(onto, (800.0, 380.0), (170.0, 215.0), face, view);
}

fn page(onto: &mut Pixmap, view: Transform) {
    shapes::fill_rect(onto, Rect::new(0, 0, 1600, 900), PAGE, view);
    shapes::fill_rect(onto, Rect::new(120, 90, 620, 56), COLORS[0].1, view);
    for (line, width) in [560, 610, 480, 590, 530].into_iter().enumerate() {
        shapes::fill_rect(onto, Rect::new(120, 230 + 90 * line as u32, width, 34), INK, view);
    }
    for (bar, height) in [190, 320, 260, 430].into_iter().enumerate() {
        let (_, color) = COLORS[bar];
        shapes::fill_rect(
            onto,
            Rect::new(900 + 150 * bar as u32, 750 - height, 100, height),
            color,
            view,
        );
    }
}

fn seed(name: &str) -> usize {
    name.bytes().map(usize::from).sum()
}
