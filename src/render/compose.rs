//! Composing a chunk: every tile drawn into every canvas of it, tiles in parallel.

use rayon::prelude::*;

use super::{
    DumpFault, RenderInput,
    canvas::{CanvasPool, Lease},
    player::{Player, View},
};
use crate::{
    av::{AvError, Color},
    composition::{Chunk, Scene, encoded_ticks},
    media::{Rect, Rgb, Tick},
};

/// Composes the chunks of a plan, one after another.
pub struct Composer<'a> {
    input: &'a RenderInput<'a>,
    players: Vec<Player<'a>>,
    background: Color,
}

/// A chunk ready to be encoded.
pub struct Composed {
    pub index: usize,
    pub chunk: Chunk,
    pub pictures: Vec<(Tick, Lease)>,
}

impl<'a> Composer<'a> {
    pub fn new(input: &'a RenderInput<'a>) -> Composer<'a> {
        let Rgb { red, green, blue } = input.plan.background;
        let background = Color::from_rgb(red, green, blue);
        let players = input
            .plan
            .video
            .iter()
            .map(|track| Player::new(input, track, background))
            .collect();
        Composer {
            input,
            players,
            background,
        }
    }

    /// How many pictures the fullest chunk has.
    pub fn most_pictures(&self) -> usize {
        self.input
            .plan
            .chunks
            .iter()
            .map(|chunk| self.ticks(*chunk).len())
            .max()
            .unwrap_or(1)
    }

    /// Draws the chunk of that index. Chunks must be composed in order: dumps are decoded once.
    pub fn compose(&mut self, index: usize, canvases: &CanvasPool) -> Result<Composed, AvError> {
        let chunk = self.input.plan.chunks[index];
        let ticks = self.ticks(chunk);
        let mut pictures = Vec::with_capacity(ticks.len());
        for tick in ticks {
            pictures.push((tick, canvases.lease()?));
        }
        let mut work: Vec<(&mut Player<'a>, Vec<View<'_>>)> =
            self.players.iter_mut().map(|player| (player, Vec::new())).collect();
        for (tick, canvas) in &mut pictures {
            let (number, scene) = scene_at(&self.input.plan.scenes, *tick);
            if canvas.painted_for != Some(number) {
                canvas.picture.fill(self.background);
                canvas.painted_for = Some(number);
            }
            let rects: Vec<Rect> = scene.tiles.iter().map(|tile| tile.rect).collect();
            for (tile, view) in scene.tiles.iter().zip(canvas.picture.split(&rects)) {
                let entry = work
                    .iter_mut()
                    .find(|(player, _)| player.track().track_id == tile.track_id);
                let (_, views) = entry.expect("the plan names a video track for every tile");
                views.push(View {
                    tick: *tick,
                    tile: view,
                });
            }
        }
        work.retain(|(_, views)| !views.is_empty());
        work.par_iter_mut()
            .with_max_len(1)
            .for_each(|(player, views)| player.draw(views));
        drop(work);
        for player in &mut self.players {
            player.close_before(chunk.end);
        }
        Ok(Composed { index, chunk, pictures })
    }

    /// Passes over a chunk that needs no drawing. Decoders catch up when a later chunk asks them for a frame.
    pub fn skip(&mut self, index: usize) {
        let end = self.input.plan.chunks[index].end;
        for player in &mut self.players {
            player.close_before(end);
        }
    }

    /// What could not be decoded.
    pub fn faults(self) -> Vec<DumpFault> {
        self.players.into_iter().flat_map(Player::into_faults).collect()
    }

    fn ticks(&self, chunk: Chunk) -> Vec<Tick> {
        encoded_ticks(self.input.plan, chunk, |track, stretch| {
            self.players[track].paced(stretch)
        })
    }
}

fn scene_at(scenes: &[Scene], tick: Tick) -> (usize, &Scene) {
    let index = scenes.partition_point(|scene| scene.end <= tick);
    (
        index,
        scenes.get(index).expect("scenes cover every tick of the recording"),
    )
}
