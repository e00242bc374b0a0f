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
