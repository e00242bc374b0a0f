//! Half-open stretches of session time, and sorted sets of them.

use serde::{Deserialize, Serialize};

use super::{SessionTime, TimeDelta};

/// From `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: SessionTime,
    pub end: SessionTime,
}

/// Disjoint, non-empty, sorted spans that do not touch each other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spans(Vec<Span>);

impl Span {
    pub fn new(start: SessionTime, end: SessionTime) -> Span {
        Span { start, end }
    }

    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    pub fn length(self) -> TimeDelta {
        if self.is_empty() {
            TimeDelta::ZERO
        } else {
            self.end - self.start
        }
    }

    pub fn contains(self, time: SessionTime) -> bool {
        self.start <= time && time < self.end
    }

    pub fn intersect(self, other: Span) -> Span {
        Span::new(self.start.max(other.start), self.end.min(other.end))
    }
}

impl Spans {
    /// The union of any spans, in any order.
    pub fn union(spans: impl IntoIterator<Item = Span>) -> Spans {
        let mut sorted: Vec<Span> = spans.into_iter().filter(|span| !span.is_empty()).collect();
        sorted.sort();
        let mut merged: Vec<Span> = Vec::with_capacity(sorted.len());
        for span in sorted {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        Spans(merged)
    }

    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, time: SessionTime) -> bool {
        let after = self.0.partition_point(|span| span.end <= time);
        self.0.get(after).is_some_and(|span| span.contains(time))
    }

    pub fn length(&self) -> TimeDelta {
        self.iter().fold(TimeDelta::ZERO, |sum, span| sum + span.length())
    }

    pub fn intersect(&self, other: &Spans) -> Spans {
        let (mut left, mut right, mut both) = (self.0.as_slice(), other.0.as_slice(), Vec::new());
        while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
            both.push(a.intersect(*b));
            if a.end <= b.end {
                left = left_rest
            } else {
                right = right_rest
            }
        }
        Spans::union(both)
    }

    pub fn subtract(&self, other: &Spans) -> Spans {
        let (mut holes, mut rest) = (other.0.as_slice(), Vec::new());
        for span in self.iter() {
            let mut start = span.start;
            while let [hole, later @ ..] = holes {
                if hole.start >= span.end {
                    break;
                }
                rest.push(Span::new(start, hole.start));
                start = start.max(hole.end);
                if hole.end > span.end {
                    // it may reach into the next span
                    break;
                }
                holes = later;
            }
            rest.push(Span::new(start, span.end));
        }
        Spans::union(rest)
    }

    /// The spans that have anything in common with `span`.
    pub fn around(&self, span: Span) -> &[Span] {
        let from = self.0.partition_point(|own| own.end <= span.start);
        let to = self.0.partition_point(|own| own.start < span.end);
        &self.0[from..to.max(from)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_spans() -> impl Strategy<Value = Spans> {
        prop::collection::vec((0i64..100, 0i64..30), 0..8).prop_map(|pairs| {
            Spans::union(pairs.into_iter().map(|(start, length)| {
                Span::new(SessionTime::from_nanos(start), SessionTime::from_nanos(start + length))
            }))
        })
    }

    proptest! {
        #[test]
        fn sets_agree_with_their_members(a in any_spans(), b in any_spans()) {
            let (both, rest) = (a.intersect(&b), a.subtract(&b));
            for nanos in 0..140 {
                let time = SessionTime::from_nanos(nanos);
                prop_assert_eq!(both.contains(time), a.contains(time) && b.contains(time));
                prop_assert_eq!(rest.contains(time), a.contains(time) && !b.contains(time));
            }
            prop_assert_eq!(both.length() + rest.length(), a.length());
            prop_assert!(rest.as_slice().windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
