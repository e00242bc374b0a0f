//! Options that several subcommands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    composition::{ChatChoice, FramePolicy, LayoutSwitch, Levelling, RateChoice, Request, USUAL_CRF},
    dump::SourcePolicy,
    job::{JobError, SessionSource, load_chat, load_layout},
    layout::{Select, Transition},
    media::{Preset, SessionTime, Size, TickRate, TimeDelta},
    render::Fonts,
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
    #[arg(long, default_value = "gallery", value_name = "NAME|FILE")]
    layout: String,
    /// Another layout from a time on (seconds, or [h:]mm:ss, since the recording began), e.g. 60=speaker; repeatable
    #[arg(long, value_name = "TIME=NAME|FILE", value_parser = parse_switch, allow_hyphen_values = true)]
    layout_at: Vec<(SessionTime, String)>,
    /// How one scene goes over into the next [default: the layout's own, or else cut]
    #[arg(long, value_enum, value_name = "HOW")]
    transition: Option<HowArg>,
    #[command(flatten)]
    who: WhoArgs,
    /// Show the messages that the manifest has, each for some seconds, over the pictures
    #[arg(long)]
    chat: bool,
    /// Show the messages of a CSV file: SenderPeerID,SenderName,SenderUserID,Roles,SentAt,Type,Message
    #[arg(long, value_name = "FILE")]
    chat_csv: Option<PathBuf>,
    /// Size of the canvas; any even size, portrait too [default: the layout's own, or else 1280x720]
    #[arg(long, value_name = "WxH")]
    resolution: Option<Size>,
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
    #[arg(long, default_value_t = USUAL_CRF, value_parser = clap::value_parser!(u8).range(0..=51))]
    crf: u8,
    /// Leave speakers as loud or quiet as they came, instead of making all equally loud and the recording -16 LUFS
    #[arg(long)]
    no_levelling: bool,
    /// Leave out what comes before: seconds, or [h:]mm:ss, since the recording began
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<SessionTime>,
    /// Leave out what comes after
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<SessionTime>,
}

/// A transition, as the command line has it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum HowArg {
    /// At once
    Cut,
    /// The old picture is blended into the new one
    Fade,
    /// Tiles move to their new places
    Glide,
}

/// Who is seen and heard. Patterns: `*` stands for anything; peers go by id, user id or name.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// Show only people of this role; repeatable, as are all of these; `*` stands for anything
    #[arg(long, value_name = "ROLE")]
    show_role: Vec<String>,
    /// Do not show people of this role
    #[arg(long, value_name = "ROLE")]
    hide_role: Vec<String>,
    /// Show only this peer, by id, user id or name
    #[arg(long, value_name = "PEER")]
    show_peer: Vec<String>,
    /// Do not show this peer
    #[arg(long, value_name = "PEER")]
    hide_peer: Vec<String>,
    /// Let only people of this role be heard
    #[arg(long, value_name = "ROLE")]
    hear_role: Vec<String>,
    /// Leave out the sound of people of this role
    #[arg(long, value_name = "ROLE")]
    silence_role: Vec<String>,
    /// Let only this peer be heard
    #[arg(long, value_name = "PEER")]
    hear_peer: Vec<String>,
    /// Leave out the sound of this peer
    #[arg(long, value_name = "PEER")]
    silence_peer: Vec<String>,
}

impl WhoArgs {
    /// Who may be seen, and who is heard.
    fn selects(self) -> (Select, Select) {
        let select = |roles, peers, except_roles, except_peers| Select {
            sources: Vec::new(),
            roles,
            peers,
            except_roles,
            except_peers,
        };
        (
            select(self.show_role, self.show_peer, self.hide_role, self.hide_peer),
            select(self.hear_role, self.hear_peer, self.silence_role, self.silence_peer),
        )
    }
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
        let layout = load_layout(&self.layout)?;
        let mut switches = Vec::new();
        for (at, name) in &self.layout_at {
            let layout = load_layout(name)?;
            switches.push(LayoutSwitch { at: *at, layout });
        }
        let (seen, heard) = self.who.selects();
        let chat = match (self.chat, &self.chat_csv) {
            (_, Some(file)) => ChatChoice::Shown(load_chat(file)?),
            (true, None) => ChatChoice::Shown(Vec::new()),
            (false, None) => ChatChoice::Hidden,
        };
        let usual = Request::of(layout);
        Ok(Request {
            canvas: self.resolution.unwrap_or(usual.canvas),
            switches,
            transition: self.transition.map(|how| match how {
                HowArg::Cut => Transition::Cut,
                HowArg::Fade => Transition::Fade,
                HowArg::Glide => Transition::Glide,
            }),
            seen,
            heard,
            chat,
            rate: self.fps,
            frames: if self.constant_frame_rate {
                FramePolicy::EveryTick
            } else {
                FramePolicy::Changes
            },
            preset: self.preset,
            crf: self.crf,
            levelling: if self.no_levelling {
                Levelling::Off
            } else {
                usual.levelling
            },
            from: self.from,
            to: self.to,
            ..usual
        })
    }
}

/// Where names and titles get their letters.
pub fn fonts(folder: Option<PathBuf>) -> Result<Fonts, JobError> {
    let variable = || std::env::var_os("TESSERA_FONTS").filter(|folder| !folder.is_empty());
    Fonts::of(folder.or_else(|| variable().map(PathBuf::from))).map_err(JobError::Settings)
}

fn parse_switch(text: &str) -> Result<(SessionTime, String), String> {
    let (time, name) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' is not TIME=LAYOUT, e.g. 60=speaker"))?;
    Ok((parse_time(time)?, name.to_owned()))
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
pub fn parse_time(text: &str) -> Result<SessionTime, String> {
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
