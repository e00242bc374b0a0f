//! Rounded rectangles, rings and the small marks beside names.

use tiny_skia::{Color, FillRule, LineCap, Paint, Path, PathBuilder, Pixmap, Rect as FloatRect, Stroke, Transform};

use crate::media::{Rect, Rgb};

/// How far the control points of a quarter circle lie from its ends, as a share of the radius.
const QUARTER: f32 = 0.552_285;

/// A colour with its opacity in 0 to 255.
pub fn paint(color: Rgb, opacity: u8) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(color.red, color.green, color.blue, opacity));
    paint
}

/// Fills a rectangle with round corners.
pub fn fill_rounded(onto: &mut Pixmap, rect: Rect, radius: u32, paint: &Paint<'_>) {
    if let Some(path) = rounded(rect, 0.0, radius as f32) {
        onto.fill_path(&path, paint, FillRule::Winding, Transform::identity(), None);
    }
}

/// A line of `width` pixels along the inside of a rectangle with round corners.
pub fn stroke_rounded(onto: &mut Pixmap, rect: Rect, radius: u32, width: u32, paint: &Paint<'_>) {
    let half = width as f32 / 2.0;
    if let Some(path) = rounded(rect, half, (radius as f32 - half).max(0.0)) {
        let stroke = Stroke {
            width: width as f32,
            ..Stroke::default()
        };
        onto.stroke_path(&path, paint, &stroke, Transform::identity(), None);
    }
}

/// What lies between a rectangle and the same with round corners: its four corners.
pub fn corners(rect: Rect, radius: u32) -> Option<Path> {
    let mut builder = PathBuilder::new();
    builder.push_rect(float_rect(rect, 0.0)?);
    push_rounded(&mut builder, float_rect(rect, 0.0)?, radius as f32);
    builder.finish()
}

pub fn rounded(rect: Rect, inset: f32, radius: f32) -> Option<Path> {
    let mut builder = PathBuilder::new();
    push_rounded(&mut builder, float_rect(rect, inset)?, radius);
    builder.finish()
}

pub fn fill_circle(onto: &mut Pixmap, x: f32, y: f32, radius: f32, paint: &Paint<'_>) {
    if let Some(path) = PathBuilder::from_circle(x, y, radius) {
        onto.fill_path(&path, paint, FillRule::Winding, Transform::identity(), None);
    }
}

/// A struck-out microphone in a square of `size` pixels.
pub fn muted_mark(onto: &mut Pixmap, x: u32, y: u32, size: u32, paint: &Paint<'_>) {
    let unit = size as f32 / 16.0;
    let at = |dx: f32, dy: f32| (x as f32 + dx * unit, y as f32 + dy * unit);
    let mut builder = PathBuilder::new();
    let capsule = FloatRect::from_xywh(at(5.75, 0.0).0, at(0.0, 1.5).1, 4.5 * unit, 7.5 * unit);
    if let Some(capsule) = capsule {
        push_rounded(&mut builder, capsule, 2.25 * unit);
    }
    if let Some(path) = builder.finish() {
        onto.fill_path(&path, paint, FillRule::Winding, Transform::identity(), None);
    }
    let mut builder = PathBuilder::new();
    // the holder, its stem, and the stroke through all
    let ((x0, y0), (x1, y1), (x2, y2)) = (at(3.4, 7.4), at(8.0, 15.2), at(12.6, 7.4));
    builder.move_to(x0, y0);
    builder.quad_to(x0, at(0.0, 11.4).1, x1, at(0.0, 11.4).1);
    builder.quad_to(x2, at(0.0, 11.4).1, x2, y2);
    builder.move_to(x1, at(0.0, 11.4).1);
    builder.line_to(x1, y1);
    let ((x0, y0), (x1, y1)) = (at(2.2, 1.4), at(13.8, 14.6));
    builder.move_to(x0, y0);
    builder.line_to(x1, y1);
    strokes(onto, builder, 1.5 * unit, paint);
}

/// A screen on its stand in a square of `size` pixels.
pub fn screen_mark(onto: &mut Pixmap, x: u32, y: u32, size: u32, paint: &Paint<'_>) {
    let unit = size as f32 / 16.0;
    let at = |dx: f32, dy: f32| (x as f32 + dx * unit, y as f32 + dy * unit);
    let mut builder = PathBuilder::new();
    let (left, top) = at(1.4, 2.6);
    if let Some(screen) = FloatRect::from_xywh(left, top, 13.2 * unit, 8.6 * unit) {
        push_rounded(&mut builder, screen, unit);
    }
    let ((x0, y0), (x1, y1)) = (at(5.2, 14.0), at(10.8, 14.0));
    builder.move_to(x0, y0);
    builder.line_to(x1, y1);
    strokes(onto, builder, 1.5 * unit, paint);
}

fn strokes(onto: &mut Pixmap, builder: PathBuilder, width: f32, paint: &Paint<'_>) {
    let stroke = Stroke {
        width,
        line_cap: LineCap::Round,
        ..Stroke::default()
    };
    if let Some(path) = builder.finish() {
        onto.stroke_path(&path, paint, &stroke, Transform::identity(), None);
    }
}

fn float_rect(rect: Rect, inset: f32) -> Option<FloatRect> {
    FloatRect::from_ltrb(
        rect.x as f32 + inset,
        rect.y as f32 + inset,
        (rect.x + rect.width) as f32 - inset,
        (rect.y + rect.height) as f32 - inset,
    )
}

fn push_rounded(builder: &mut PathBuilder, rect: FloatRect, radius: f32) {
    let radius = radius.min(rect.width() / 2.0).min(rect.height() / 2.0);
    let (left, top, right, bottom) = (rect.left(), rect.top(), rect.right(), rect.bottom());
    let near = radius * (1.0 - QUARTER);
    builder.move_to(left + radius, top);
    builder.line_to(right - radius, top);
    builder.cubic_to(right - near, top, right, top + near, right, top + radius);
    builder.line_to(right, bottom - radius);
    builder.cubic_to(right, bottom - near, right - near, bottom, right - radius, bottom);
    builder.line_to(left + radius, bottom);
    builder.cubic_to(left + near, bottom, left, bottom - near, left, bottom - radius);
    builder.line_to(left, top + radius);
    builder.cubic_to(left, top + near, left + near, top, left + radius, top);
    builder.close();
}

pub fn fill_rect(onto: &mut Pixmap, rect: Rect, color: Rgb, view: Transform) {
    if let Some(rect) = float_rect(rect, 0.0) {
        onto.fill_rect(rect, &paint(color, 255), view, None);
    }
}

pub fn fill_ellipse(onto: &mut Pixmap, middle: (f32, f32), radii: (f32, f32), color: Rgb, view: Transform) {
    let bounds = FloatRect::from_ltrb(
        middle.0 - radii.0,
        middle.1 - radii.1,
        middle.0 + radii.0,
        middle.1 + radii.1,
    );
    if let Some(path) = bounds.and_then(PathBuilder::from_oval) {
        onto.fill_path(&path, &paint(color, 255), FillRule::Winding, view, None);
    }
}
