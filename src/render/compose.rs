//! Composing a chunk: every tile drawn into every canvas of it, tiles in parallel.

use rayon::prelude::*;

use super::{
    DumpFault, RenderInput,
    canvas::{Canvas, CanvasPool, Lease},
    decor::{Decorator, Dressed, DressedTile},
    player::{Player, View},
};
use crate::{
    av::AvError,
    composition::{Chunk, Scene, encoded_ticks},
    media::{Rect, Size, Tick},
};

/// Composes the chunks of a plan, one after another.
pub struct Composer<'a> {
    input: &'a RenderInput<'a>,
    players: Vec<Player<'a>>,
    decorator: Decorator<'a>,
    /// For what fades out.
    spare: CanvasPool,
    /// What was shown before the fade that is under way or comes next, with its tick.
    fading: Option<(Tick, Lease)>,
    /// The scene composed last, by its index.
    dressed: Option<(usize, Dressed<'a>)>,
}

/// A chunk ready to be encoded.
pub struct Composed {
    pub index: usize,
    pub chunk: Chunk,
    pub pictures: Vec<(Tick, Lease)>,
}

/// What composing came upon.
pub struct Findings {
    pub faults: Vec<DumpFault>,
    pub warnings: Vec<String>,
}

impl<'a> Composer<'a> {
    pub fn new(input: &'a RenderInput<'a>) -> Composer<'a> {
        let players = input.plan.video.iter().map(|track| Player::new(input, track)).collect();
        Composer {
            input,
            players,
            decorator: Decorator::new(input.plan, input.fonts.clone()),
            spare: CanvasPool::new(input.plan.canvas, 1),
            fading: None,
            dressed: None,
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
        self.draw(&mut pictures, chunk.end)?;
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

    /// Draws canvases for ticks that grow, from one call to the next, too, and lie before `end`.
    pub fn draw(&mut self, pictures: &mut [(Tick, Lease)], end: Tick) -> Result<(), AvError> {
        let scenes = &self.input.plan.scenes;
        let mut rest = pictures;
        while let Some(tick) = rest.first().map(|(tick, _)| *tick) {
            let number = scene_at(scenes, tick);
            let count = rest.partition_point(|(tick, _)| *tick < scenes[number].end);
            let (of_scene, later) = rest.split_at_mut(count);
            // also where the scene before was not drawn, but is there from an earlier rendering
            if let Some(fade) = self.input.plan.fade_at(tick) {
                self.keep_before(fade.start)?;
            }
            self.draw_scene(number, of_scene);
            self.blend(of_scene);
            rest = later;
            // decoders only go forward: what will fade out is drawn before they go on
            let next = scenes[number].end;
            if next <= end && self.input.plan.fade_at(next).is_some_and(|fade| fade.start == next) {
                self.keep_before(next)?;
            }
        }
        Ok(())
    }

    /// What could not be decoded or drawn.
    pub fn findings(self) -> Findings {
        Findings {
            faults: self.players.into_iter().flat_map(Player::into_faults).collect(),
            warnings: self.decorator.into_warnings(),
        }
    }

    /// Draws what is shown just before a fade that begins at `start`, unless that is there already.
    fn keep_before(&mut self, start: Tick) -> Result<(), AvError> {
        let last = Tick(start.0 - 1);
        if self.fading.as_ref().is_none_or(|(tick, _)| *tick != last) {
            // there is but one canvas for it
            self.fading = None;
            let mut pictures = [(last, self.spare.lease()?)];
            self.draw_scene(scene_at(&self.input.plan.scenes, last), &mut pictures);
            let [kept] = pictures;
            self.fading = Some(kept);
        }
        Ok(())
    }

    /// Lets what fades out show through.
    fn blend(&mut self, pictures: &mut [(Tick, Lease)]) {
        let Size { width, height } = self.input.plan.canvas;
        let whole = [Rect::new(0, 0, width, height)];
        let Some((_, old)) = &mut self.fading else { return };
        for (tick, canvas) in pictures {
            let Some(share) = self.input.plan.fade_at(*tick).and_then(|fade| fade.share(*tick)) else {
                continue;
            };
            let (new, old): (&mut Canvas, &mut Canvas) = (canvas, old);
            new.picture.split(&whole)[0].blend(&mut old.picture.split(&whole)[0], share);
            new.painted_for = None;
        }
    }

    fn draw_scene(&mut self, number: usize, pictures: &mut [(Tick, Lease)]) {
        let scene = &self.input.plan.scenes[number];
        let dressed = match self.dressed.take() {
            Some((last, dressed)) if last == number => dressed,
            _ => self.decorator.dress(scene),
        };
        for (_, canvas) in pictures.iter_mut() {
            let canvas: &mut Canvas = canvas;
            if canvas.painted_for != Some(dressed.ground) || dressed.wears_off {
                dressed.backdrop.paint(&mut canvas.picture);
                canvas.painted_for = Some(dressed.ground);
            }
        }
        for layer in &dressed.layers {
            self.draw_layer(scene, layer, pictures);
        }
        for (tick, canvas) in pictures.iter_mut() {
            dressed
                .meters
                .iter()
                .for_each(|meter| meter.draw(*tick, &mut canvas.picture));
        }
        self.dressed = Some((number, dressed));
    }

    /// Draws tiles that are disjoint.
    fn draw_layer(&mut self, scene: &Scene, layer: &[DressedTile], pictures: &mut [(Tick, Lease)]) {
        let rects: Vec<Rect> = layer.iter().map(|tile| scene.tiles[tile.index].rect).collect();
        let mut views: Vec<Vec<View<'_>>> = layer.iter().map(|_| Vec::new()).collect();
        for (tick, canvas) in pictures {
            for (views, tile) in views.iter_mut().zip(canvas.picture.split(&rects)) {
                views.push(View { tick: *tick, tile });
            }
        }
        let mut views: Vec<Option<Vec<View<'_>>>> = views.into_iter().map(Some).collect();
        let mut work: Vec<(&mut Player<'a>, Vec<View<'_>>, &DressedTile)> = Vec::new();
        for player in &mut self.players {
            let is_of = |tile: &&DressedTile| scene.tiles[tile.index].track_id == player.track().track_id;
            if let Some(place) = layer.iter().position(|tile| is_of(&tile)) {
                let views = views[place].take().expect("the plan names a video track once");
                work.push((player, views, &layer[place]));
            }
        }
        work.par_iter_mut()
            .with_max_len(1)
            .for_each(|(player, views, tile)| player.draw(views, &tile.dressing));
    }

    fn ticks(&self, chunk: Chunk) -> Vec<Tick> {
        encoded_ticks(self.input.plan, chunk, |track, stretch| {
            self.players[track].paced(stretch)
        })
    }
}

fn scene_at(scenes: &[Scene], tick: Tick) -> usize {
    let index = scenes.partition_point(|scene| scene.end <= tick);
    assert!(index < scenes.len(), "scenes cover every tick of the recording");
    index
}
