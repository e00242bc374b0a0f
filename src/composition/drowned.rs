//! Who is far quieter than usual while another is far louder does not speak: what is heard is the other.

use super::envelope::Envelope;

/// So much quieter than this microphone's speech usually is (dB), …
const BELOW_USUAL: f32 = 15.0;
/// … and so much quieter than another is at this moment (dB).
const BELOW_OTHER: f32 = 15.0;
/// The usual speech: all but a few steps stay below.
const USUAL: f32 = 0.95;

/// Marks the steps of a microphone in which another drowns it.
pub fn mark(own: &Envelope, others: &[&Envelope], leaks: &mut [bool]) {
    let mut spoken: Vec<f32> = own
        .in_voice()
        .filter(|step| !leaks[*step])
        .map(|step| own.level(step))
        .collect();
    let place = (spoken.len() as f32 * USUAL) as usize;
    if place >= spoken.len() {
        return;
    }
    let usual = *spoken.select_nth_unstable_by(place, f32::total_cmp).1;
    for (block, steps) in own.voiced_blocks() {
        let level = own.loudest(block, block + 1);
        // an echo may be of what was said half a second ago
        let is_louder = |other: &&Envelope| other.loudest(block.saturating_sub(1), block + 1) >= level + BELOW_OTHER;
        if level <= usual - BELOW_USUAL && others.iter().any(is_louder) {
            leaks[steps].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        composition::{leaks::Taken, voice::Level},
        media::{PeerId, Source},
    };

    /// Speaks so loud in the first ten seconds, and so loud in the last ten.
    fn speaks(first: Level, last: Level) -> Envelope {
        let level = |frame: usize| match frame / 1000 {
            0 => first,
            1 => -70_00,
            _ => last,
        };
        // ten syllables in three seconds
        let levels = (0..3000).map(|frame| level(frame).max(-70_00) - if frame % 30 < 10 { 9_00 } else { 0 });
        Envelope::of(&Taken::new(PeerId::new("p"), Source::Microphone, 0, levels.collect()))
    }

    fn marked(own: &Envelope, other: &Envelope) -> usize {
        let mut leaks = vec![false; own.steps()];
        mark(own, &[other], &mut leaks);
        leaks.iter().filter(|leak| **leak).count()
    }

    #[test]
    fn who_is_far_quieter_than_usual_while_another_is_far_louder_is_drowned() {
        let other = speaks(-70_00, -20_00);
        assert!(marked(&speaks(-20_00, -40_00), &other) >= 450);
        // always as quiet, or nearly as loud as the other, or not quieter than usual
        assert_eq!(marked(&speaks(-40_00, -40_00), &other), 0);
        assert_eq!(marked(&speaks(-20_00, -40_00), &speaks(-70_00, -30_00)), 0);
        assert_eq!(marked(&speaks(-45_00, -40_00), &other), 0);
    }
}
