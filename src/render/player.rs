//! Drawing one track into its tiles, tick by tick.

use std::collections::BTreeMap;

use super::{DumpFault, RenderInput, decoder::DumpDecoder, decor::Dressing};
use crate::{
    av::{Mask, Picture, Scaler, TileMut},
    composition::{PacedFrame, VideoTrack, pace},
    dump::probe::DumpKey,
    media::{Rect, Tick},
};

/// Decodes a track's dumps, each once and only while needed, and draws the frame of each tick.
pub struct Player<'a> {
    input: &'a RenderInput<'a>,
    track: &'a VideoTrack,
    paced: Vec<Vec<PacedFrame>>,
    /// Open dumps by index; `None` for one that could not be opened.
    open: BTreeMap<usize, Option<DumpDecoder>>,
    scaler: Scaler,
    /// Kept for tiles with their corners cut out: they are drawn apart.
    apart: Option<Picture>,
    faults: Vec<DumpFault>,
}

/// A track's place on the canvas of one tick.
pub struct View<'c> {
    pub tick: Tick,
    pub tile: TileMut<'c>,
}

/// What a tile shows: which stretch, and which frame of it (`None` before the first that can be decoded).
type Shown = (usize, Option<i64>);

impl<'a> Player<'a> {
    pub fn new(input: &'a RenderInput<'a>, track: &'a VideoTrack) -> Player<'a> {
        let rate = input.plan.ticks_per_second;
        let paced = track.stretches.iter().map(|stretch| {
            pace(
                stretch,
                input.stamps(DumpKey {
                    track: track.track,
                    dump: stretch.dump,
                }),
                rate,
            )
            .frames
        });
        let paced = paced.collect();
        Player {
            input,
            track,
            paced,
            open: BTreeMap::new(),
            scaler: Scaler::default(),
            apart: None,
            faults: Vec::new(),
        }
    }

    pub fn track(&self) -> &'a VideoTrack {
        self.track
    }

    /// The frames of the track's stretch of that index, with their ticks.
    pub fn paced(&self, stretch: usize) -> &[PacedFrame] {
        &self.paced[stretch]
    }

    /// Draws every view of one place, in the order of their ticks. What did not change since the view before is copied
    /// from it, decoration and all.
    pub fn draw(&mut self, views: &mut [View<'_>], dressing: &Dressing) {
        if let Some(mask) = &dressing.mask {
            return self.draw_cut_out(views, dressing, mask);
        }
        let mut before: Option<Shown> = None;
        for index in 0..views.len() {
            let (done, rest) = views.split_at_mut(index);
            let view = &mut rest[0];
            let shown = self.shown_at(view.tick);
            match done.last() {
                Some(last) if shown.is_some() && shown == before => view.tile.copy_from(&last.tile),
                _ => self.draw_dressed(shown, &mut view.tile, dressing),
            }
            before = shown;
        }
    }

    /// Draws what lies above other pictures and lets them through at its corners.
    fn draw_cut_out(&mut self, views: &mut [View<'_>], dressing: &Dressing, mask: &Mask) {
        let Some(size) = views.first().map(|view| view.tile.rect().size()) else {
            return;
        };
        let kept = self.apart.take().filter(|picture| picture.size() == size);
        let Ok(mut picture) = kept.map_or_else(|| Picture::new(size), Ok) else {
            // too small to have corners
            return views.iter_mut().for_each(|view| {
                let shown = self.shown_at(view.tick);
                self.draw_dressed(shown, &mut view.tile, dressing);
            });
        };
        let mut apart = picture.split(&[Rect::new(0, 0, size.width, size.height)]);
        let mut before: Option<Shown> = None;
        for view in views {
            let shown = self.shown_at(view.tick);
            if shown.is_none() || shown != before {
                self.draw_dressed(shown, &mut apart[0], dressing);
            }
            view.tile.paste(&mut apart[0], mask);
            before = shown;
        }
        drop(apart);
        self.apart = Some(picture);
    }

    /// Closes dumps that no later tick needs.
    pub fn close_before(&mut self, tick: Tick) {
        let track = self.track;
        let needed = |dump: usize| {
            track
                .stretches
                .iter()
                .any(|stretch| stretch.dump == dump && stretch.end > tick)
        };
        let done: Vec<usize> = self.open.keys().copied().filter(|dump| !needed(*dump)).collect();
        for dump in done {
            let decoder = self.open.remove(&dump).flatten();
            self.faults.extend(decoder.and_then(|decoder| decoder.fault()));
        }
    }

    pub fn into_faults(mut self) -> Vec<DumpFault> {
        self.close_before(Tick(i64::MAX));
        self.faults
    }

    fn shown_at(&self, tick: Tick) -> Option<Shown> {
        let stretch = self.track.stretches.iter().position(|stretch| stretch.contains(tick))?;
        let frames = &self.paced[stretch];
        let after = frames.partition_point(|frame| frame.tick <= tick);
        Some((stretch, after.checked_sub(1).map(|index| frames[index].pts)))
    }

    fn draw_dressed(&mut self, shown: Option<Shown>, tile: &mut TileMut<'_>, dressing: &Dressing) {
        self.draw_frame(shown, tile, dressing);
        if let Some(overlay) = &dressing.overlay {
            tile.lay(overlay);
        }
    }

    fn draw_frame(&mut self, shown: Option<Shown>, tile: &mut TileMut<'_>, dressing: &Dressing) {
        let background = dressing.background;
        let Some((stretch, Some(pts))) = shown else {
            return tile.fill(background);
        };
        let dump = self.track.stretches[stretch].dump;
        let key = DumpKey {
            track: self.track.track,
            dump,
        };
        let (input, faults) = (self.input, &mut self.faults);
        let decoder = self.open.entry(dump).or_insert_with(|| {
            DumpDecoder::open(input, key, pts)
                .inspect_err(|error| {
                    faults.push(DumpFault {
                        key,
                        packets: 0,
                        first: error.to_string(),
                    })
                })
                .ok()
        });
        let Some(frame) = decoder.as_mut().and_then(|decoder| decoder.frame_at(pts)) else {
            return tile.fill(background);
        };
        let placed = dressing.fit.place(frame.size(), tile.rect());
        tile.fill_around(placed.place, background);
        if let Err(error) = self.scaler.draw(frame, tile, placed) {
            tile.fill(background);
            self.faults.push(DumpFault {
                key,
                packets: 1,
                first: error.to_string(),
            });
        }
    }
}
