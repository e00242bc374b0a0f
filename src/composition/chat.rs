//! Which messages are shown over the pictures when.

use super::{
    choice::admits,
    look::{plain, shortened},
    people::Sources,
    plan::{ChatLine, Decoration},
    request::{ChatChoice, Request},
};
use crate::{
    media::{Rect, SessionTime, Size, Tick, TimeDelta},
    session::ChatMessage,
};

/// Long enough to be read, also with some others.
const SHOWN_FOR: TimeDelta = TimeDelta::from_seconds(8);
const MOST_AT_ONCE: usize = 4;
/// Longer messages are cut: they would hide the pictures.
const LONGEST: usize = 200;

/// A message and the ticks for which it is shown.
pub struct Shown {
    start: Tick,
    end: Tick,
    line: ChatLine,
}

/// The messages of the recording in the order of time, of those who may be seen.
pub fn messages(sources: Sources<'_>, request: &Request) -> Vec<Shown> {
    let ChatChoice::Shown(others) = &request.chat else {
        return Vec::new();
    };
    let mut sent: Vec<&ChatMessage> = sources.manifest.chat.iter().chain(others).collect();
    sent.sort_by_key(|message| message.at);
    let peer = |message: &ChatMessage| message.peer_id.as_ref().and_then(|id| sources.manifest.peer(id));
    let may_be_seen = |message: &&ChatMessage| peer(message).is_none_or(|peer| admits(&request.seen, peer));
    let shown = sent.into_iter().filter(may_be_seen).filter_map(|message| {
        let at = message.at.on_session_clock(sources.timeline.origin);
        let window = sources.windows.iter().find(|window| window.span.contains(at))?;
        let start = window.tick_at_or_after(at, sources.rate);
        let name = message
            .name
            .as_deref()
            .or(peer(message).map(|peer| peer.display_name()));
        let line = ChatLine {
            name: plain(name.unwrap_or_default()),
            text: shortened(&message.message, LONGEST),
        };
        let end = Tick(start.0 + sources.rate.tick_at_or_after(SessionTime::START + SHOWN_FOR).0);
        (!line.text.is_empty()).then_some(Shown { start, end, line })
    });
    shown.collect()
}

/// Every tick at which a message comes or goes.
pub fn edges(messages: &[Shown]) -> impl Iterator<Item = Tick> + '_ {
    messages.iter().flat_map(|message| [message.start, message.end])
}

/// What is shown at `tick`, at the lower right.
pub fn overlay(messages: &[Shown], tick: Tick, canvas: Size) -> Option<Decoration> {
    let now = messages
        .iter()
        .filter(|message| message.start <= tick && tick < message.end);
    let mut lines: Vec<ChatLine> = now.map(|message| message.line.clone()).collect();
    lines.drain(..lines.len().saturating_sub(MOST_AT_ONCE));
    let shorter = canvas.width.min(canvas.height);
    let even = |length: u32| length / 2 * 2;
    let margin = even(shorter / 40);
    let (width, height) = (
        even(canvas.width * 2 / 5).max(even(shorter / 2)),
        even(canvas.height * 3 / 5),
    );
    let rect = Rect::new(
        canvas.width.checked_sub(width + margin)?,
        canvas.height.checked_sub(height + margin)?,
        width,
        height,
    );
    (!lines.is_empty()).then_some(Decoration::Chat { rect, messages: lines })
}
