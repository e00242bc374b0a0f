//! Who is shown where at one moment, given who was shown where before.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    choice::admits,
    people::{Person, Shown},
};
use crate::{
    layout::{Order, Region, Reuse, Variant},
    media::{Fit, Rect, SessionTime, Size, Source, Tick},
    timeline::TrackTimeline,
};

/// Somebody who may have a tile now.
#[derive(Clone, Copy)]
pub struct Seat<'a> {
    pub key: SeatKey,
    pub person: &'a Person<'a>,
    /// What is seen of them; `None` while their camera is off.
    pub track: Option<&'a TrackTimeline>,
    joined: (SessionTime, usize),
    spoke: Option<Tick>,
    /// When they will speak, if that is so soon that nobody else should be shown until then.
    speaks_soon: Option<Tick>,
}

/// What keeps its place: a person's first camera, on or off, a further camera, or a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeatKey {
    person: usize,
    lens: Lens,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lens {
    Camera(usize),
    Screen(usize),
}

impl SeatKey {
    pub fn lens(self) -> Lens {
        self.lens
    }
}

/// A seat with its tile.
pub struct Cast<'a> {
    pub seat: Seat<'a>,
    pub rect: Rect,
    pub z: i32,
    pub fit: Fit,
}

/// Who had which cell of each region, by the region's name; an empty cell is kept for nobody.
pub type Memory = BTreeMap<String, Vec<Option<SeatKey>>>;

/// Whether people without a picture have a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Avatars {
    Shown,
    Hidden,
}

/// Everybody who may have a tile at `tick`.
///
/// Who speaks up to `horizon` speaks soon.
pub fn seats<'a>(people: &'a [Person<'a>], tick: Tick, horizon: Tick, avatars: Avatars) -> Vec<Seat<'a>> {
    let mut seats = Vec::new();
    for person in people {
        let seat = |lens, shown: Option<&Shown<'a>>| Seat {
            key: SeatKey {
                person: person.index,
                lens,
            },
            person,
            track: shown.map(|shown| shown.track),
            joined: match (shown, avatars, lens) {
                (Some(shown), Avatars::Hidden, _) | (Some(shown), _, Lens::Screen(_)) => shown.joined,
                _ => person.joined,
            },
            spoke: person.spoke_at(tick),
            speaks_soon: person.will_speak_at(tick, horizon),
        };
        let live = |shown: &&Shown<'a>| shown.live.contains(tick);
        let before = seats.len();
        let cameras = person.cameras.iter().filter(live).enumerate();
        seats.extend(cameras.map(|(index, shown)| seat(Lens::Camera(index), Some(shown))));
        if seats.len() == before && avatars == Avatars::Shown && person.present.contains(tick) {
            seats.push(seat(Lens::Camera(0), None));
        }
        let screens = person.screens.iter().filter(live);
        seats.extend(screens.map(|shown| seat(Lens::Screen(shown.track.index), Some(shown))));
    }
    seats.sort_by_key(|seat| (seat.joined, seat.key));
    seats
}

/// Gives out the tiles of a variant. What was left over for want of room, of regions that do not choose by speech, is the
/// second result.
pub fn cast<'a>(
    variant: &Variant,
    canvas: Size,
    mut seats: Vec<Seat<'a>>,
    memory: &mut Memory,
) -> (Vec<Cast<'a>>, Vec<Seat<'a>>) {
    let (mut casts, mut left_out) = (Vec::new(), Vec::new());
    for region in &variant.regions {
        let (mut candidates, rest): (Vec<Seat>, Vec<Seat>) = seats.into_iter().partition(|seat| takes(region, seat));
        if is_by_sound(region) {
            candidates.iter_mut().for_each(|seat| seat.track = None);
        }
        seats = rest;
        let slots = memory.entry(region.name.clone()).or_default();
        let chosen = choose(region, &candidates, slots);
        let cells = region.cells(chosen.len(), canvas);
        let mut shown = Vec::new();
        for (seat, rect) in chosen.iter().zip(cells) {
            let Some(seat) = seat else { continue };
            shown.push(seat.key);
            casts.push(Cast {
                seat: *seat,
                rect,
                z: region.z,
                fit: match seat.key.lens {
                    Lens::Camera(_) => region.fit,
                    Lens::Screen(_) => Fit::Contain,
                },
            });
        }
        let others = candidates.into_iter().filter(|seat| !shown.contains(&seat.key));
        // whom this region had no room for may have a place in the next
        let others: Vec<Seat> = others.collect();
        if !region.order.contains(&Order::Speech) {
            left_out.extend(others.iter().copied());
        }
        seats.extend(others);
        seats.sort_by_key(|seat| (seat.joined, seat.key));
    }
    left_out.retain(|seat| !casts.iter().any(|cast| cast.seat.key == seat.key));
    (casts, left_out)
}

fn takes(region: &Region, seat: &Seat<'_>) -> bool {
    let show = &region.show;
    let is_source = match seat.key.lens {
        Lens::Screen(_) => show.takes(Source::Screen),
        Lens::Camera(0) => show.takes(Source::Camera) || show.takes(Source::Microphone),
        Lens::Camera(_) => show.takes(Source::Camera),
    };
    is_source && admits(show, seat.person.peer)
}

/// Whether a region shows people without their picture.
fn is_by_sound(region: &Region) -> bool {
    region.show.takes(Source::Microphone) && !region.show.takes(Source::Camera)
}

/// The seats of a region's cells, in their order. `slots` is what it showed before and becomes what it shows now.
fn choose<'a>(region: &Region, candidates: &[Seat<'a>], slots: &mut Vec<Option<SeatKey>>) -> Vec<Option<Seat<'a>>> {
    let capacity = region.capacity();
    let find = |key: &SeatKey| candidates.iter().find(|seat| seat.key == *key).copied();
    if region.order.contains(&Order::Speech) {
        let wanted = most_wanted(region, candidates, slots, capacity);
        steady(slots, &wanted);
        return slots.iter().map(|slot| slot.as_ref().and_then(find)).collect();
    }
    if region.reuse == Reuse::None {
        for seat in candidates {
            if slots.len() < capacity && !slots.contains(&Some(seat.key)) {
                slots.push(Some(seat.key));
            }
        }
        return slots.iter().map(|slot| slot.as_ref().and_then(find)).collect();
    }
    // candidates come in the order of joining
    let is_by_joining = region.order.iter().all(|order| *order == Order::Join);
    if region.reuse == Reuse::Newest && is_by_joining {
        let newest: Vec<SeatKey> = candidates[candidates.len().saturating_sub(capacity)..]
            .iter()
            .map(|seat| seat.key)
            .collect();
        steady(slots, &newest);
        return slots.iter().map(|slot| slot.as_ref().and_then(find)).collect();
    }
    let surplus = candidates.len().saturating_sub(capacity);
    let mut chosen: Vec<Seat> = match region.reuse {
        Reuse::Newest => candidates[surplus..].to_vec(),
        Reuse::Oldest | Reuse::None => sorted(region, candidates)[..candidates.len() - surplus].to_vec(),
    };
    chosen = sorted(region, &chosen);
    *slots = chosen.iter().map(|seat| Some(seat.key)).collect();
    chosen.into_iter().map(Some).collect()
}

fn sorted<'a>(region: &Region, seats: &[Seat<'a>]) -> Vec<Seat<'a>> {
    let mut sorted = seats.to_vec();
    sorted.sort_by_cached_key(|seat| fixed_keys(region, seat));
    sorted
}

/// What a seat is sorted by, apart from speech.
fn fixed_keys(region: &Region, seat: &Seat<'_>) -> Vec<(usize, String)> {
    let key = |order: &Order| match order {
        // sorting is stable, and seats come in the order of joining
        Order::Join | Order::Speech => (0, String::new()),
        Order::Name => (0, seat.person.peer.display_name().to_lowercase()),
        Order::Role => {
            let role = seat.person.peer.role.as_deref();
            (region.show.rank(role), role.unwrap_or_default().to_owned())
        }
    };
    region.order.iter().map(key).collect()
}

/// Those who spoke last, as many as there is room for; screens come before people, those shown before others.
///
/// A place that somebody left goes to who speaks next, if that is soon: they would get it a moment later anyway.
fn most_wanted(region: &Region, candidates: &[Seat<'_>], slots: &[Option<SeatKey>], capacity: usize) -> Vec<SeatKey> {
    let is_here = |key: &SeatKey| candidates.iter().any(|seat| seat.key == *key);
    let somebody_left = slots.is_empty() || slots.iter().flatten().any(|key| !is_here(key));
    let mut wanted: Vec<&Seat> = candidates.iter().collect();
    wanted.sort_by_cached_key(|seat| {
        let is_person = matches!(seat.key.lens, Lens::Camera(_));
        let is_new = !slots.contains(&Some(seat.key));
        let soon = seat.speaks_soon.filter(|_| somebody_left || !is_new);
        (
            is_person,
            fixed_keys(region, seat),
            Reverse(soon.max(seat.spoke)),
            is_new,
        )
    });
    wanted.truncate(capacity);
    // newcomers take their places in the order of joining, whoever of them speaks
    let is_wanted = |seat: &&Seat| wanted.iter().any(|other| other.key == seat.key);
    candidates.iter().filter(is_wanted).map(|seat| seat.key).collect()
}

/// Keeps everybody who stays where they are, lets newcomers take the places that became free, and closes the rest.
fn steady(slots: &mut Vec<Option<SeatKey>>, wanted: &[SeatKey]) {
    for slot in slots.iter_mut() {
        *slot = slot.filter(|key| wanted.contains(key));
    }
    for key in wanted {
        if slots.contains(&Some(*key)) {
            continue;
        }
        match slots.iter_mut().find(|slot| slot.is_none()) {
            Some(free) => *free = Some(*key),
            None => slots.push(Some(*key)),
        }
    }
    slots.retain(Option::is_some);
}
