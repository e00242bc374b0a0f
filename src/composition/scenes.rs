//! Who is shown when: the recording is cut wherever something changes, and each scene laid out.

use super::{
    cast::{Avatars, Cast, Lens, Memory, Seat, cast, seats},
    chat::{self, Shown},
    choice::admits,
    look::{Look, initials, plain, radius, widest_line},
    people::{Person, Sources, people},
    plan::{Decoration, Label, Scene, Tile},
    plate,
    request::{ChatChoice, LayoutSwitch, Request},
    speakers::{Speech, turns},
    transitions::{Fade, Passage},
    windows::Window,
};
use crate::{
    layout::{Layout, Situation, Transition},
    media::{Rect, Rgb, SessionTime, Size, Tick, TickRate, TimeDelta},
    session::Manifest,
    timeline::Timeline,
};

/// Behind initials; dark enough for white letters.
const AVATAR_COLORS: [Rgb; 8] = [
    rgb(0x3b, 0x6e, 0xa8),
    rgb(0x8a, 0x4f, 0x9e),
    rgb(0x2f, 0x7d, 0x6b),
    rgb(0xa8, 0x5a, 0x3b),
    rgb(0x5a, 0x62, 0xb5),
    rgb(0x9c, 0x45, 0x66),
    rgb(0x4f, 0x7a, 0x35),
    rgb(0x7a, 0x66, 0x2e),
];

/// Nobody is shown large for less only because somebody left, nor is an empty room named.
const SHORTEST_SHOW: TimeDelta = TimeDelta::from_millis(1500);

const fn rgb(red: u8, green: u8, blue: u8) -> Rgb {
    Rgb { red, green, blue }
}

/// The scenes of a recording, and what had to be left out.
pub struct Staging {
    pub looks: Vec<Look>,
    pub scenes: Vec<Scene>,
    pub fades: Vec<Fade>,
    pub warnings: Vec<String>,
}

/// What scenes are made from.
pub struct Stage<'a> {
    pub manifest: &'a Manifest,
    pub timeline: &'a Timeline,
    pub speech: &'a Speech,
    pub windows: &'a [Window],
    pub rate: TickRate,
    pub request: &'a Request,
    pub title: &'a str,
}

/// A layout and the tick from which on it is used.
struct Act<'a> {
    start: Tick,
    layout: &'a Layout,
}

/// Cuts the recording wherever somebody comes, goes, is muted or speaks, and lays out each scene.
pub fn stage(stage: &Stage<'_>) -> Staging {
    let sources = Sources {
        manifest: stage.manifest,
        timeline: stage.timeline,
        speech: stage.speech,
        turns: &turns(stage.speech),
        windows: stage.windows,
        rate: stage.rate,
        heard: &stage.request.heard,
    };
    let mut people = people(sources);
    people.retain(|person| admits(&stage.request.seen, person.peer));
    let acts = stage.acts();
    let messages = chat::messages(sources, stage.request);
    let mut staging = Staging {
        looks: acts
            .iter()
            .map(|act| Look::of(act.layout, stage.request.canvas, stage.title))
            .collect(),
        scenes: Vec::new(),
        fades: Vec::new(),
        warnings: Vec::new(),
    };
    let mut left_out: Vec<Vec<&str>> = vec![Vec::new(); acts.len()];
    let (mut memory, mut before) = (Memory::new(), 0);
    for (start, end) in stage.pieces(&people, &acts, &messages) {
        let look = acts.partition_point(|act| act.start <= start).saturating_sub(1);
        if look != before {
            (memory, before) = (Memory::new(), look);
        }
        let chat = chat::overlay(&messages, start, stage.request.canvas);
        let scene = Moment {
            layout: acts[look].layout,
            canvas: stage.request.canvas,
            tick: start,
            chat: chat.as_ref().and_then(Decoration::rect),
            horizon: Tick(start.0 + stage.rate.tick_at_or_after(SessionTime::START + SHORTEST_SHOW).0),
        };
        let (tiles, mut decorations, without) = scene.laid_out(&people, stage.title, &mut memory);
        decorations.extend(chat);
        for id in without {
            if !left_out[look].contains(&id) {
                left_out[look].push(id);
            }
        }
        match staging.scenes.last_mut() {
            Some(last) if last.look == look && last.tiles == tiles && last.decorations == decorations => last.end = end,
            _ => staging.scenes.push(Scene {
                start,
                end,
                look,
                moving: false,
                tiles,
                decorations,
            }),
        }
    }
    stage.without_flashes(&mut staging.scenes);
    let passage = Passage {
        rate: stage.rate,
        transitions: &acts.iter().map(|act| stage.transition(act.layout)).collect::<Vec<_>>(),
        lines: &acts
            .iter()
            .map(|act| widest_line(&act.layout.style, stage.request.canvas))
            .collect::<Vec<_>>(),
    };
    (staging.scenes, staging.fades) = passage.through(staging.scenes);
    for (act, ids) in acts.iter().zip(left_out).filter(|(_, ids)| !ids.is_empty()) {
        staging.warnings.push(format!(
            "layout '{}' shows at most {} at once: {} not always shown",
            act.layout.name,
            match act.layout.most_tiles_on(stage.request.canvas) {
                1 => "1 tile".to_owned(),
                most => format!("{most} tiles"),
            },
            ids.join(", ")
        ));
    }
    staging.warnings.extend(stage.oddities(&acts, &staging.scenes));
    if messages.is_empty() && stage.request.chat != ChatChoice::Hidden {
        staging
            .warnings
            .push("no chat message of anybody who may be seen falls into the recording".to_owned());
    }
    staging
}

impl Stage<'_> {
    /// What nobody can have meant.
    fn oddities(&self, acts: &[Act<'_>], scenes: &[Scene]) -> Vec<String> {
        let canvas = self.request.canvas;
        let mut found = Vec::new();
        let is_after = |at: SessionTime| self.windows.last().is_none_or(|window| at >= window.span.end);
        for switch in self.request.switches.iter().filter(|switch| is_after(switch.at)) {
            found.push(format!(
                "layout '{}' is asked for from {} on, when the recording is over",
                switch.layout.name, switch.at
            ));
        }
        for pair in self.switches().windows(2).filter(|pair| pair[0].at == pair[1].at) {
            found.push(format!(
                "two layouts are asked for from {} on: '{}' is not shown, '{}' is",
                pair[0].at, pair[0].layout.name, pair[1].layout.name
            ));
        }
        for act in acts {
            for name in act.layout.without_room(canvas) {
                found.push(format!(
                    "region '{name}' of layout '{}' has no room on a canvas of {canvas}",
                    act.layout.name
                ));
            }
        }
        let avatars = |scene: &Scene| {
            scene
                .decorations
                .iter()
                .any(|it| matches!(it, Decoration::Avatar { .. }))
        };
        let mut tracks = self.timeline.tracks.iter();
        let has_pictures = tracks.any(|track| track.is_video() && track.is_alive());
        if has_pictures && scenes.iter().all(|scene| scene.tiles.is_empty() && !avatars(scene)) {
            found.push(format!(
                "nobody is ever to be seen: see who is chosen, and whom layout '{}' shows",
                self.request.layout.name
            ));
        }
        found
    }

    /// The room's name is not worth reading for less than a moment: a room is empty for a few ticks whenever cameras begin
    /// a little after microphones.
    fn without_flashes(&self, scenes: &mut [Scene]) {
        let shortest = self.rate.tick_at_or_after(SessionTime::START + SHORTEST_SHOW).0;
        let is_notice = |it: &Decoration| matches!(it, Decoration::Notice { .. });
        let is_empty = |scene: &Scene| scene.decorations.iter().any(is_notice);
        for room in scenes.chunk_by_mut(|one, next| is_empty(one) == is_empty(next)) {
            let length: i64 = room.iter().map(|scene| scene.end.0 - scene.start.0).sum();
            if length < shortest {
                let decorations = room.iter_mut().map(|scene| &mut scene.decorations);
                decorations.for_each(|decorations| decorations.retain(|it| !is_notice(it)));
            }
        }
    }

    fn transition(&self, layout: &Layout) -> Transition {
        self.request.transition.unwrap_or(layout.style.transition)
    }

    fn acts(&self) -> Vec<Act<'_>> {
        let first = Act {
            start: Tick::ZERO,
            layout: &self.request.layout,
        };
        let mut acts = vec![first];
        for switch in self.switches() {
            let Some(window) = self.windows.iter().find(|window| switch.at < window.span.end) else {
                continue;
            };
            let start = window.tick_at_or_after(switch.at, self.rate);
            // what begins together is only the last of them
            acts.retain(|act| act.start < start);
            acts.push(Act {
                start,
                layout: &switch.layout,
            });
        }
        acts
    }

    /// In the order of time; of those at the same time the last one counts.
    fn switches(&self) -> Vec<&LayoutSwitch> {
        let mut switches: Vec<_> = self.request.switches.iter().collect();
        switches.sort_by_key(|switch| switch.at);
        switches
    }

    /// The stretches between any two changes.
    fn pieces(&self, people: &[Person<'_>], acts: &[Act<'_>], messages: &[Shown]) -> Vec<(Tick, Tick)> {
        let mut edges: Vec<Tick> = self.windows.iter().map(|window| window.start).collect();
        edges.extend(self.windows.last().map(|window| window.end));
        edges.extend(people.iter().flat_map(Person::edges));
        edges.extend(acts.iter().map(|act| act.start));
        let end = self.windows.last().map(|window| window.end);
        edges.extend(chat::edges(messages).filter(|edge| Some(*edge) < end));
        edges.sort_unstable();
        edges.dedup();
        edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }
}

/// One moment of the recording.
struct Moment<'a> {
    layout: &'a Layout,
    canvas: Size,
    tick: Tick,
    /// Where messages lie over all.
    chat: Option<Rect>,
    /// Up to here the next speaker may take a place early.
    horizon: Tick,
}

impl Moment<'_> {
    fn laid_out<'p>(
        &self,
        people: &'p [Person<'p>],
        title: &str,
        memory: &mut Memory,
    ) -> (Vec<Tile>, Vec<Decoration>, Vec<&'p str>) {
        let style = &self.layout.style;
        let is_by_sound = self.layout.shows_people_by_sound();
        let avatars = if style.avatars || is_by_sound {
            Avatars::Shown
        } else {
            Avatars::Hidden
        };
        let seats = seats(people, self.tick, self.horizon, avatars);
        let screens = seats.iter().filter(|seat| seat.is_screen()).count();
        let situation = Situation {
            screens,
            people: seats.len() - screens,
            canvas: self.canvas,
        };
        let (casts, without) = cast(self.layout.variant(situation), self.canvas, seats, memory);
        let (mut tiles, mut decorations) = (Vec::new(), Vec::new());
        for cast in &casts {
            match cast.seat.track {
                Some(track) => tiles.push(Tile {
                    track_id: track.track_id.clone(),
                    peer_id: track.peer_id.clone(),
                    rect: cast.rect,
                    fit: cast.fit,
                    z: cast.z,
                    corner_radius: self.radius(cast.rect),
                    label: self.label(cast, &casts),
                }),
                None => decorations.push(self.avatar(cast, &casts)),
            }
        }
        let is_dressed = style.names || style.avatars;
        if casts.is_empty() && is_dressed && style.title.is_none() {
            decorations.push(Decoration::Notice { text: plain(title) });
        }
        let without = without.iter().filter_map(|seat| seat.track);
        (
            tiles,
            decorations,
            without.map(|track| track.track_id.as_str()).collect(),
        )
    }

    /// Tiles that reach the canvas's edge have square corners.
    fn radius(&self, rect: Rect) -> u32 {
        let is_at_edge = rect.x == 0
            || rect.y == 0
            || rect.x + rect.width >= self.canvas.width
            || rect.y + rect.height >= self.canvas.height;
        let radius = radius(self.layout.style.corner_radius, self.canvas);
        if is_at_edge {
            0
        } else {
            radius.min(rect.width.min(rect.height) / 4)
        }
    }

    fn label(&self, cast: &Cast<'_>, casts: &[Cast<'_>]) -> Option<Label> {
        let (style, seat) = (&self.layout.style, &cast.seat);
        let is_screen = seat.is_screen();
        let label = Label {
            name: style.names.then(|| plain(seat.person.peer.display_name())),
            screen: is_screen && style.names,
            muted: !is_screen && style.muted_mark && seat.person.muted.contains(self.tick),
            speaking: !is_screen && style.speaking.is_some() && seat.person.speaking.contains(self.tick),
            meter: self.meter(cast, casts).filter(|_| !is_screen && style.meters),
        };
        (label != Label::default()).then_some(label)
    }

    /// Where somebody's level meter stands, if nothing covers it.
    fn meter(&self, cast: &Cast<'_>, casts: &[Cast<'_>]) -> Option<Rect> {
        let meter = plate::meter(cast.rect, widest_line(&self.layout.style, self.canvas))?;
        let above = casts.iter().filter(|other| other.z > cast.z).map(|other| other.rect);
        let is_covered = above.chain(self.chat).any(|rect| rect.overlaps(meter));
        (!is_covered).then_some(meter)
    }

    fn avatar(&self, cast: &Cast<'_>, casts: &[Cast<'_>]) -> Decoration {
        let person = cast.seat.person;
        Decoration::Avatar {
            peer_id: person.peer.id.clone(),
            rect: cast.rect,
            z: cast.z,
            corner_radius: self.radius(cast.rect),
            initials: initials(&plain(person.peer.display_name())),
            color: AVATAR_COLORS[person.index % AVATAR_COLORS.len()],
            label: self.label(cast, casts),
        }
    }
}

impl Seat<'_> {
    fn is_screen(&self) -> bool {
        matches!(self.key.lens(), Lens::Screen(_))
    }
}

#[cfg(test)]
mod tests;
