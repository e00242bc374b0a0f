//! From timeline and request to plan.

use super::{
    Levelling, choice,
    chunks::{chunks, encoded_ticks},
    hearing::{Audible, Hearing, Listening},
    levels::{TARGET, levels},
    meters,
    pace::{PacedFrame, pace},
    plan::{AudioTrack, Cost, Encoding, FaderPoint, Mix, Plan, SoundStretch, Speaker, VideoStretch, VideoTrack},
    rate,
    request::{RateChoice, Request},
    scenes::{Stage, stage},
    speakers::turns,
    windows::{Window, windows},
};
use crate::{
    dump::probe::{DumpKey, Probes},
    layout::Select,
    media::{ChannelCount, Decibels, Gain, Kind, PeerId, SAMPLE_RATE, SessionTime, Span, Spans, Stamps, TickRate},
    session::Manifest,
    timeline::{Piece, Timeline, TrackTimeline},
};

const BITS_PER_SECOND: u32 = 128_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("no input streams available to create recording")]
    NothingUsable,
    #[error("nothing to record between {from} and {to} of a session of {length}")]
    NothingKept {
        from: SessionTime,
        to: SessionTime,
        length: SessionTime,
    },
    #[error("layout '{layout}': {fault}")]
    Layout { layout: String, fault: String },
}

/// What is known of the session.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    pub timeline: &'a Timeline,
    pub probes: &'a Probes,
    /// What was heard of [`listening`]; where it is empty nobody speaks and nothing is levelled.
    pub hearing: &'a Hearing,
}

/// Decides everything about one recording.
pub fn plan(manifest: &Manifest, material: Material<'_>, request: &Request) -> Result<Plan, PlanError> {
    let timeline = material.timeline;
    if !timeline.tracks.iter().any(TrackTimeline::is_alive) {
        return Err(PlanError::NothingUsable);
    }
    let switches = request.switches.iter().map(|switch| &switch.layout);
    for layout in std::iter::once(&request.layout).chain(switches) {
        if let Some(fault) = layout.fault_on(request.canvas) {
            let layout = layout.name.clone();
            return Err(PlanError::Layout { layout, fault });
        }
    }
    let (from, to) = (
        request.from.unwrap_or(SessionTime::START),
        request.to.unwrap_or(timeline.end),
    );
    let kept = timeline.recorded.intersect(&Spans::union([Span::new(from, to)]));
    let Some(first) = kept.iter().next() else {
        return Err(PlanError::NothingKept {
            from,
            to,
            length: timeline.end,
        });
    };
    let may_be = |select: &Select, peer: &PeerId| manifest.peer(peer).is_none_or(|peer| choice::admits(select, peer));
    let rate = match request.rate {
        RateChoice::Fixed(rate) => rate,
        RateChoice::Auto => rate::choose(&material, &kept, |track| may_be(&request.seen, &track.peer_id)),
    };
    // who is not heard does not speak, either
    let hearing = material.hearing.only(|_, heard| may_be(&request.heard, &heard.peer_id));
    let material = Material {
        hearing: &hearing,
        ..material
    };
    let windows = windows(&kept, rate);
    let length = windows
        .last()
        .map(|window| window.end)
        .expect("at least one stretch is kept");
    let title = manifest
        .session
        .room_name
        .clone()
        .unwrap_or_else(|| manifest.room_id().to_string());
    let staging = stage(&Stage {
        manifest,
        timeline,
        speech: &material.hearing.speech(),
        windows: &windows,
        rate,
        request,
        title: &title,
    });
    let mut audio = material.audio_tracks(&windows, rate);
    audio.retain(|track| may_be(&request.heard, &track.peer_id));
    let (mut fader, mut target) = (Vec::new(), None);
    if request.levelling == Levelling::On {
        let mixed = hearing.only(|index, _| audio.iter().any(|track| track.track == index));
        let levels = levels(&mixed, &kept);
        audio
            .iter_mut()
            .for_each(|track| track.gain = levels.gains.get(&track.track).copied().unwrap_or_default());
        fader = fader_points(&levels.fader, &windows, rate);
        // where nobody speaks nothing is levelled
        target = Decibels::of(TARGET).filter(|_| !levels.gains.is_empty());
    }
    let mix = Mix {
        channels: material.channels(&audio),
        sample_rate: SAMPLE_RATE,
        bits_per_second: BITS_PER_SECOND,
        target,
        length: rate.time_of(length).sample(),
    };
    let levels = meters::levels(&staging.scenes, &audio, material.hearing, &windows, rate);
    let mut plan = Plan {
        version: 1,
        session_id: manifest.session.id.clone(),
        title,
        started_at: timeline.origin + first.start.since_start(),
        session_origin: timeline.origin,
        ticks_per_second: rate,
        length,
        canvas: request.canvas,
        layout: request.layout.name.clone(),
        looks: staging.looks,
        encoding: Encoding {
            preset: request.preset,
            crf: request.crf,
            frames: request.frames,
        },
        video: material.video_tracks(&staging.scenes, &windows, rate),
        scenes: staging.scenes,
        fades: staging.fades,
        audio,
        mix,
        fader,
        speakers: speakers(material.hearing, &windows, rate),
        levels,
        chunks: chunks(length, rate, request.canvas),
        cost: Cost::default(),
        warnings: [choice::warnings(manifest, request), staging.warnings].concat(),
        hash: String::new(),
    };
    plan.cost = material.cost(&plan);
    Ok(plan.sealed())
}

/// What has to be listened to before planning: every track of sound, over the whole session.
pub fn listening(timeline: &Timeline, probes: &Probes) -> Listening {
    let material = Material {
        timeline,
        probes,
        hearing: &Hearing::default(),
    };
    // without pauses the recording's time is the session's, whatever the rate
    let rate = TickRate::CANDIDATES[0];
    let whole = windows(&Spans::union([Span::new(SessionTime::START, timeline.end)]), rate);
    let tracks = material.audio_tracks(&whole, rate);
    let channels = material.channels(&tracks);
    let source = |track: &AudioTrack| {
        timeline
            .tracks
            .iter()
            .find(|own| own.index == track.track)
            .map(|own| own.source)
    };
    let audible = tracks.into_iter().filter_map(|track| {
        let source = source(&track)?;
        Some(Audible { track, source })
    });
    Listening {
        tracks: audible.collect(),
        channels,
    }
}

/// The points of the fader in the recording.
fn fader_points(points: &[(SessionTime, Gain)], windows: &[Window], rate: TickRate) -> Vec<FaderPoint> {
    let placed = points.iter().filter_map(|(time, gain)| {
        let window = windows.iter().find(|window| window.span.contains(*time))?;
        Some(FaderPoint {
            at: window.sample_at(*time, rate),
            gain: *gain,
        })
    });
    placed.collect()
}

/// The speakers' turns in the recording; pauses cut them.
fn speakers(hearing: &Hearing, windows: &[Window], rate: TickRate) -> Vec<Speaker> {
    let turns = turns(&hearing.speech());
    let parts = turns.iter().flat_map(|turn| {
        windows.iter().map(move |window| {
            let both = turn.span.intersect(window.span);
            (turn, both, window)
        })
    });
    let speaker = |(turn, both, window): (&super::speakers::SpeakerTurn, Span, &Window)| {
        let (start, end) = (
            window.tick_at_or_after(both.start, rate),
            window.tick_at_or_after(both.end, rate),
        );
        (!both.is_empty() && start < end).then(|| Speaker {
            peer_id: turn.peer.clone(),
            start,
            end,
        })
    };
    let mut speakers: Vec<Speaker> = parts.filter_map(speaker).collect();
    speakers.sort_by_key(|speaker| speaker.start);
    speakers
}

impl Material<'_> {
    pub fn stamps(&self, track: usize, dump: usize) -> Option<&Stamps> {
        self.probes.get(&DumpKey { track, dump }).map(|probe| &probe.stamps)
    }

    pub fn video_stretches(&self, track: &TrackTimeline, windows: &[Window], rate: TickRate) -> Vec<VideoStretch> {
        let stretch = |(piece, window, both): (&Piece, &Window, Span)| {
            let (start, end) = (
                window.tick_at_or_after(both.start, rate),
                window.tick_at_or_after(both.end, rate),
            );
            let session_start = rate.time_of(start) + window.shift(rate);
            (start < end).then(|| VideoStretch {
                dump: piece.dump,
                start,
                end,
                session_start,
                clock: piece.clock.within(both),
            })
        };
        pieces_in_windows(&track.pieces, windows).filter_map(stretch).collect()
    }

    fn video_tracks(&self, scenes: &[super::Scene], windows: &[Window], rate: TickRate) -> Vec<VideoTrack> {
        let shown = |track: &&TrackTimeline| {
            scenes
                .iter()
                .flat_map(|scene| &scene.tiles)
                .any(|tile| tile.track_id == track.track_id)
        };
        let tracks = self
            .timeline
            .tracks
            .iter()
            .filter(|track| track.kind == Kind::Video)
            .filter(shown);
        tracks
            .map(|track| VideoTrack {
                track_id: track.track_id.clone(),
                track: track.index,
                stretches: self.video_stretches(track, windows, rate),
            })
            .collect()
    }

    fn audio_tracks(&self, windows: &[Window], rate: TickRate) -> Vec<AudioTrack> {
        let heard = self
            .timeline
            .tracks
            .iter()
            .filter(|track| track.kind == Kind::Audio && track.is_alive());
        let tracks = heard.map(|track| AudioTrack {
            track_id: track.track_id.clone(),
            peer_id: track.peer_id.clone(),
            track: track.index,
            gain: Gain::UNITY,
            stretches: sound_stretches(track, windows, rate),
        });
        tracks.filter(|track| !track.stretches.is_empty()).collect()
    }

    /// Stereo only if somebody sent stereo.
    fn channels(&self, audio: &[AudioTrack]) -> ChannelCount {
        let dumps = audio.iter().flat_map(|track| {
            track.stretches.iter().map(|stretch| DumpKey {
                track: track.track,
                dump: stretch.dump,
            })
        });
        let most = dumps
            .filter_map(|key| self.probes.get(&key))
            .map(|probe| probe.channels)
            .max();
        if most.unwrap_or(1) > 1 {
            ChannelCount::Stereo
        } else {
            ChannelCount::Mono
        }
    }

    fn cost(&self, plan: &Plan) -> Cost {
        let rate = plan.ticks_per_second;
        let paced: Vec<Vec<Vec<PacedFrame>>> = plan
            .video
            .iter()
            .map(|track| {
                track
                    .stretches
                    .iter()
                    .map(|stretch| {
                        self.stamps(track.track, stretch.dump)
                            .map(|stamps| pace(stretch, stamps, rate).frames)
                            .unwrap_or_default()
                    })
                    .collect()
            })
            .collect();
        let encoded: usize = plan
            .chunks
            .iter()
            .map(|chunk| encoded_ticks(plan, *chunk, |track, stretch| &paced[track][stretch]).len())
            .sum();
        let decoded: u64 = plan
            .video
            .iter()
            .flat_map(|track| {
                dumps_of(track).into_iter().map(|dump| {
                    self.stamps(track.track, dump)
                        .map_or(0, |stamps| stamps.frames.len() as u64)
                })
            })
            .sum();
        let sound: i64 = plan
            .audio
            .iter()
            .flat_map(|track| &track.stretches)
            .map(|stretch| (stretch.end.0 - stretch.start.0) / i64::from(SAMPLE_RATE))
            .sum();
        let (encoded, sound) = (encoded as u64, u64::try_from(sound).unwrap_or(0));
        // measured with `make bench`: about 9 ms for an encoded megapixel, 0.7 ms for a decoded frame, 5 ms for a second of sound
        let cpu_millis = encoded * plan.canvas.pixels() * 9 / 1_000_000 + decoded * 7 / 10 + sound * 5;
        Cost {
            decoded_frames: decoded,
            encoded_frames: encoded,
            sound_seconds: sound,
            cpu_millis,
        }
    }
}

fn sound_stretches(track: &TrackTimeline, windows: &[Window], rate: TickRate) -> Vec<SoundStretch> {
    let mut stretches = Vec::new();
    for (piece, window, both) in pieces_in_windows(&track.pieces, windows) {
        for span in track.live.around(both).iter().map(|span| span.intersect(both)) {
            let (start, end) = (window.sample_at(span.start, rate), window.sample_at(span.end, rate));
            if start < end {
                stretches.push(SoundStretch {
                    dump: piece.dump,
                    start,
                    end,
                    shift: window.shift(rate),
                    clock: piece.clock.within(span),
                });
            }
        }
    }
    stretches
}

fn pieces_in_windows<'a>(
    pieces: &'a [Piece],
    windows: &'a [Window],
) -> impl Iterator<Item = (&'a Piece, &'a Window, Span)> {
    windows.iter().flat_map(move |window| {
        let first = pieces.partition_point(|piece| piece.span.end <= window.span.start);
        let within = pieces[first..]
            .iter()
            .take_while(|piece| piece.span.start < window.span.end);
        within.map(move |piece| (piece, window, piece.span.intersect(window.span)))
    })
}

/// The dumps that a track's stretches are taken from, each once.
fn dumps_of(track: &VideoTrack) -> Vec<usize> {
    let mut dumps: Vec<usize> = track.stretches.iter().map(|stretch| stretch.dump).collect();
    dumps.sort_unstable();
    dumps.dedup();
    dumps
}
