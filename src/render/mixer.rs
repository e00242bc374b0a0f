//! Mixing all sound of a recording and encoding it.

use std::path::Path;

use rayon::prelude::*;

use super::{
    DumpFault, Dumps, RenderError, RenderInput, Watch, fader,
    limiter::Limiter,
    mastering::{self, Master, Measured},
    sound::SoundSource,
};
use crate::{
    av::{AudioEncoder, AudioSettings, Container, Muxer},
    composition::{AudioTrack, SoundStretch},
    dump::probe::DumpKey,
    media::{ChannelCount, SamplePosition},
};

/// Sound is mixed in blocks of a second.
const BLOCK: i64 = 48_000;

/// The mix is made at most so often because of what came out.
const ATTEMPTS: usize = 5;

/// What mixing came upon.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mixed {
    pub faults: Vec<DumpFault>,
    pub measured: Measured,
}

/// Mixes the sound of the plan into the file at `path`, and again until it is as loud as it should be and no peak too high.
pub fn render(input: &RenderInput<'_>, path: &Path, watch: &dyn Watch) -> Result<Mixed, RenderError> {
    let mix = input.plan.mix;
    let mut tried: Vec<(Master, Measured)> = Vec::new();
    let mut next = Some(Master::default());
    let mut faults = Vec::new();
    while let Some(master) = next.take().filter(|_| tried.len() < ATTEMPTS) {
        faults = mixed_into(path, input, &master, watch)?;
        let measured = mastering::measure(path, mix.channels, watch)?;
        next = master.corrected(&measured, mix.target);
        tried.push((master, measured));
    }
    let last = tried.len() - 1;
    let misses = |index: &usize| tried[*index].1.misses(mix.target);
    let best = (0..=last)
        .min_by(|one, other| misses(one).total_cmp(&misses(other)))
        .unwrap_or(last);
    let (master, measured) = tried.swap_remove(best);
    if best != last {
        mixed_into(path, input, &master, watch)?;
    }
    Ok(Mixed { faults, measured })
}

/// Mixes once; says which dumps had faults.
fn mixed_into(
    path: &Path,
    input: &RenderInput<'_>,
    master: &Master,
    watch: &dyn Watch,
) -> Result<Vec<DumpFault>, RenderError> {
    let mix = input.plan.mix;
    let mut encoder = AudioEncoder::open(AudioSettings {
        channels: mix.channels,
        bits_per_second: mix.bits_per_second,
    })?;
    let mut muxer = Muxer::create(path, Container::Matroska)?;
    let track = muxer.add_audio(&encoder)?;
    muxer.begin()?;
    let mut sink = |packet| muxer.write(track, packet);
    let mut sources: Vec<SoundSource<'_>> = input
        .plan
        .audio
        .iter()
        .flat_map(|track| sources(input.dumps(), mix.channels, track))
        .collect();
    let mut limiter = Limiter::new(mix.channels.count());
    // what the limiter holds back at the start must be asked for at the end
    let mut skip = Limiter::DELAY;
    let total = mix.length.0 + Limiter::DELAY as i64;
    for start in (0..total).step_by(BLOCK as usize) {
        if watch.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let length = BLOCK.min(total - start) as usize;
        let mut block = mixed(&mut sources, SamplePosition(start), length, mix.channels.count());
        fader::turn(&input.plan.fader, SamplePosition(start), &mut block);
        let factor = master.factor();
        block.iter_mut().flatten().for_each(|sample| *sample *= factor);
        limiter.process(&mut block, |index| master.ceiling(SamplePosition(start + index as i64)));
        let from = skip.min(length);
        skip -= from;
        let channels: Vec<&[f32]> = block.iter().map(|channel| &channel[from..]).collect();
        encoder.send(&channels, &mut sink)?;
    }
    encoder.finish(&mut sink)?;
    muxer.finish()?;
    Ok(sources.iter().filter_map(SoundSource::fault).collect())
}

/// One source per dump of the track.
pub(super) fn sources<'a>(dumps: Dumps<'a>, channels: ChannelCount, track: &'a AudioTrack) -> Vec<SoundSource<'a>> {
    let mut indices: Vec<usize> = track.stretches.iter().map(|stretch| stretch.dump).collect();
    indices.sort_unstable();
    indices.dedup();
    let stretches = |dump: usize| -> Vec<&'a SoundStretch> {
        track.stretches.iter().filter(|stretch| stretch.dump == dump).collect()
    };
    indices
        .into_iter()
        .map(|dump| {
            SoundSource::new(
                dumps,
                channels,
                track.gain,
                DumpKey {
                    track: track.track,
                    dump,
                },
                stretches(dump),
            )
        })
        .collect()
}

/// All sources decoded in parallel, but added in their order: sums of floats depend on it.
fn mixed(sources: &mut [SoundSource<'_>], start: SamplePosition, length: usize, channels: usize) -> Vec<Vec<f32>> {
    let silence = || vec![vec![0.0f32; length]; channels];
    let heard: Vec<Vec<Vec<f32>>> = sources
        .par_iter_mut()
        .with_max_len(1)
        .map(|source| {
            let mut block = silence();
            source.add_to(start, &mut block);
            block
        })
        .collect();
    let mut sum = silence();
    for block in heard {
        for (sum, channel) in sum.iter_mut().zip(block) {
            sum.iter_mut().zip(channel).for_each(|(sum, sample)| *sum += sample);
        }
    }
    sum
}
