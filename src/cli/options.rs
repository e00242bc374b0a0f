//! Options that several subcommands share.

use std::path::PathBuf;

use clap::Args;

use crate::{
    composition::{FramePolicy, Levelling, RateChoice, Request},
    dump::SourcePolicy,
    job::{JobError, SessionSource, load_layout},
    media::{Preset, SessionTime, Size, TickRate, TimeDelta},
};

#[derive(Debug, Args)]
pub struct SessionArgs {
    /// A session.json, or a folder that holds one
    #[arg(value_name = "SESSION")]
    session: PathBuf,
    /// Let the manifest name files outside its own folder by file:// URIs
    #[arg(long)]
    allow_file_uris: bool,
}

#[derive(Debug, Args)]
pub struct RecordingArgs {
    /// A layout by name (see `tessera layouts list`), or the path of a .toml file
    #[arg(long, default_value = "grid", value_name = "NAME|FILE")]
    layout: String,
    /// Size of the canvas; any even size, portrait too
    #[arg(long, default_value = "1280x720", value_name = "WxH")]
    resolution: Size,
    /// Ticks a second: a number, or `auto` for the lowest of 10, 12, 15, 20, 24, 25, 30 that loses no camera frame
    #[arg(long, default_value = "auto", value_name = "RATE", value_parser = parse_rate)]
    fps: RateChoice,
    /// Encode every tick, also those at which nothing changed
    #[arg(long)]
    constant_frame_rate: bool,
    /// x264 preset, from ultrafast to veryslow
    #[arg(long, default_value_t = Preset::Veryfast)]
    preset: Preset,
    /// x264 constant rate factor: lower is better and larger
    #[arg(long, default_value_t = 23, value_parser = clap::value_parser!(u8).range(0..=51))]
    crf: u8,
    /// Make all speakers equally loud and the recording -16 LUFS; sounds that are not speech may be turned down
    #[arg(long)]
    levelling: bool,
    /// Leave out what comes before: seconds, or [h:]mm:ss, since the recording began
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<SessionTime>,
    /// Leave out what comes after
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<SessionTime>,
}

impl SessionArgs {
    pub fn source(self) -> SessionSource {
        let policy = if self.allow_file_uris {
            SourcePolicy::AllowFileUris
        } else {
            SourcePolicy::FolderOnly
        };
        SessionSource {
            path: self.session,
            policy,
        }
    }
}

impl RecordingArgs {
    pub fn request(self) -> Result<Request, JobError> {
        Ok(Request {
            layout: load_layout(&self.layout)?,
            canvas: self.resolution,
            rate: self.fps,
            frames: if self.constant_frame_rate {
                FramePolicy::EveryTick
            } else {
                FramePolicy::Changes
            },
            preset: self.preset,
            crf: self.crf,
            levelling: if self.levelling {
                Levelling::On
            } else {
                Levelling::Off
            },
            from: self.from,
            to: self.to,
        })
    }
}

fn parse_rate(text: &str) -> Result<RateChoice, String> {
    if text == "auto" {
        return Ok(RateChoice::Auto);
    }
    let rate = text.parse().ok().and_then(TickRate::new);
    rate.map(RateChoice::Fixed)
        .ok_or_else(|| "neither 'auto' nor a whole number within 1..=120".to_owned())
}

/// `90`, `90.5`, `1:30` or `0:01:30.5`.
fn parse_time(text: &str) -> Result<SessionTime, String> {
    let wrong = || format!("'{text}' is not a time such as 90, 90.5, 1:30 or 0:01:30.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<i64> = whole
        .split(':')
        .map(|part| part.parse().ok().filter(|part| *part >= 0))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    if parts.len() > 3
        || fraction.len() > 9
        || !fraction.chars().all(|digit| digit.is_ascii_digit())
        || whole.contains(['+', '-'])
    {
        return Err(wrong());
    }
    if parts.iter().skip(1).any(|part| *part >= 60) {
        return Err(wrong());
    }
    let seconds = parts
        .iter()
        .try_fold(0i64, |sum, part| sum.checked_mul(60)?.checked_add(*part))
        .ok_or_else(wrong)?;
    let nanos: i64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    Ok(SessionTime::START + TimeDelta::from_seconds(seconds) + TimeDelta::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let millis = |text: &str| parse_time(text).map(|time| time.since_start().millis());
        assert_eq!(millis("90"), Ok(90_000));
        assert_eq!(millis("90.5"), Ok(90_500));
        assert_eq!(millis("1:30"), Ok(90_000));
        assert_eq!(millis("1:01:30.25"), Ok(3_690_250));
        for wrong in ["", "x", "-1", "+1", "1:60", "1:2:3:4", "1.x", "1.-5"] {
            assert!(millis(wrong).is_err(), "{wrong} was taken");
        }
    }
}
