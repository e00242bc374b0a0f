//! `tessera plan`: what compose would make, without making it.

use std::{sync::atomic::AtomicBool, thread};

use clap::Args;

use super::{
    options::{RecordingArgs, SessionArgs},
    print, print_json,
    text::{clock, counted, table},
};
use crate::{
    composition::{Decoration, Plan, Tile},
    dump::probe::Depth,
    job::{JobError, Prepared, prepare},
    media::{Rect, Tick},
};

/// Show what compose would make of a session: scenes, tiles, sound, chunks and expected cost
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    session: SessionArgs,
    #[command(flatten)]
    recording: RecordingArgs,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: PlanArgs) -> Result<(), JobError> {
    let request = args.recording.request()?;
    let mut prepared = prepare(&args.session.source(), Depth::Packets)?;
    prepared.listen(
        None,
        thread::available_parallelism().map_or(1, usize::from),
        &AtomicBool::new(false),
    )?;
    let plan = prepared.plan(&request)?;
    if args.json {
        return print_json(&plan);
    }
    print(&described(&plan, &prepared))
}

fn described(plan: &Plan, prepared: &Prepared) -> String {
    let at = |tick: Tick| clock(plan.ticks_per_second.time_of(tick).since_start());
    let mut text = format!(
        "session {}, from {}: {} long, {} at {} ticks a second, layout {}\n",
        plan.session_id,
        plan.started_at,
        clock(plan.duration()),
        plan.canvas,
        plan.ticks_per_second.per_second(),
        plan.layout,
    );
    for scene in plan
        .scenes
        .windows(2)
        .filter(|pair| pair[0].look != pair[1].look)
        .map(|pair| &pair[1])
    {
        text += &format!("layout {} from {}\n", plan.looks[scene.look].layout, at(scene.start));
    }
    let settled = || plan.scenes.iter().filter(|scene| !scene.moving);
    text += &format!("\n{}", counted(settled().count(), "scene"));
    let glides = plan
        .scenes
        .windows(2)
        .filter(|pair| pair[0].moving && !pair[1].moving)
        .count();
    text += &match (plan.fades.len(), glides) {
        (0, 0) => "\n".to_owned(),
        (fades, glides) => format!(
            ", {} and {} between them\n",
            counted(fades, "fade"),
            counted(glides, "glide")
        ),
    };
    let mut rows = Vec::new();
    for scene in settled() {
        let mut tiles: Vec<String> = scene.tiles.iter().map(tile).collect();
        tiles.extend(scene.decorations.iter().filter_map(avatar));
        let shown = if tiles.is_empty() {
            "nobody".to_owned()
        } else {
            tiles.join("  ")
        };
        rows.push(vec![format!("  {}", at(scene.start)), at(scene.end), shown]);
    }
    text += &table(&rows);
    text += &format!("\n{} heard\n", counted(plan.audio.len(), "track"));
    let heard = plan.audio.iter().map(|track| {
        let spans: Vec<String> = track
            .stretches
            .iter()
            .map(|stretch| {
                format!(
                    "{}-{}",
                    clock(stretch.start.time().since_start()),
                    clock(stretch.end.time().since_start())
                )
            })
            .collect();
        vec![format!("  {}", track.track_id), track.gain.to_string(), spans.join(" ")]
    });
    text += &table(&heard.collect::<Vec<_>>());
    let cost = plan.cost;
    text += &format!(
        "\n{}; decodes {} frames, encodes {} of {}, about {} s of CPU\n",
        counted(plan.chunks.len(), "chunk"),
        cost.decoded_frames,
        cost.encoded_frames,
        plan.length.0,
        cost.cpu_millis.div_ceil(1000),
    );
    for warning in prepared
        .warnings
        .iter()
        .chain(&plan.warnings)
        .chain(&prepared.dump_warnings())
    {
        text += &format!("warning: {warning}\n");
    }
    text + &format!("plan {}\n", plan.hash)
}

/// Somebody without a picture goes by their initials.
fn avatar(decoration: &Decoration) -> Option<String> {
    match decoration {
        Decoration::Avatar { peer_id, rect, .. } => Some(place(&format!("({peer_id})"), *rect)),
        Decoration::Chat { .. } | Decoration::Notice { .. } => None,
    }
}

fn tile(tile: &Tile) -> String {
    place(tile.track_id.as_str(), tile.rect)
}

fn place(who: &str, rect: Rect) -> String {
    format!("{who} {}+{}+{}", rect.size(), rect.x, rect.y)
}
