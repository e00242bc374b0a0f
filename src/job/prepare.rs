//! Reading a session: its manifest, and every dump found and probed. One bad dump never fails a session.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::AtomicBool},
};

use serde::Serialize;

use super::JobError;
use crate::{
    composition::{hearing::Hearing, listening},
    dump::{
        DumpError, SourcePolicy, locate,
        probe::{Depth, DumpKey, Probe, Probes, probe},
    },
    layout::{self, Layout},
    media::{TrackId, shown_uri},
    render::{self, DumpFile, Dumps, Keeping, KeptSound},
    session::{self, ChatMessage, Manifest, Parsed},
    timeline::{DumpInput, Timeline, build},
};

/// In bytes; the longest of ours has a fiftieth of it.
const LARGEST_LAYOUT: u64 = 256 << 10;

/// Where a session is, and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSource {
    /// A `session.json`, or a folder that holds one.
    pub path: PathBuf,
    pub policy: SourcePolicy,
}

/// A session that has been read, with all that is known of its dumps.
#[derive(Debug)]
pub struct Prepared {
    pub manifest_path: PathBuf,
    pub manifest: Manifest,
    pub files: BTreeMap<DumpKey, DumpFile>,
    pub probes: Probes,
    /// One for every dump of the manifest, in its order.
    pub verdicts: Vec<DumpVerdict>,
    pub timeline: Timeline,
    /// Empty until it was listened to.
    pub hearing: Hearing,
    /// Sound that mixing need not decode again.
    pub kept: KeptSound,
    /// About the manifest, the timeline and the dumps.
    pub warnings: Vec<String>,
}

/// What becomes of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DumpVerdict {
    #[serde(skip)]
    pub key: DumpKey,
    pub track_id: TrackId,
    pub uri: String,
    pub verdict: Verdict,
    /// What was found, for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Used,
    /// Used as far as possible.
    Repaired,
    /// Left out.
    Quarantined,
}

/// What a manifest is called in its folder.
pub(super) const MANIFEST: &str = "session.json";

/// Says where the file of a dump is, given its URI; may take its time.
pub type FindDump<'a> = &'a (dyn Fn(DumpKey, &str) -> Result<PathBuf, DumpError> + Sync);

/// Reads the session, probing its dumps at `depth`. Fails only if the manifest cannot be used.
pub fn prepare(source: &SessionSource, depth: Depth) -> Result<Prepared, JobError> {
    let LocalManifest { path, folder, parsed } = read_manifest(&source.path)?;
    let find = |_, uri: &str| Ok(locate(&folder, uri, source.policy)?);
    Ok(prepare_dumps(path, parsed, &find, depth))
}

/// A manifest of this machine.
pub(super) struct LocalManifest {
    pub path: PathBuf,
    /// What its URIs are relative to.
    pub folder: PathBuf,
    pub parsed: Parsed,
}

/// Reads a `session.json`, or that of a folder.
pub(super) fn read_manifest(place: &Path) -> Result<LocalManifest, JobError> {
    let path = if place.is_dir() {
        place.join(MANIFEST)
    } else {
        place.to_owned()
    };
    let text = fs::read_to_string(&path).map_err(|error| JobError::ManifestUnreadable {
        path: path.clone(),
        error,
    })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(LocalManifest {
        folder: parent.unwrap_or(Path::new(".")).to_owned(),
        parsed: parse_manifest(&text, &path)?,
        path,
    })
}

/// Parses the text of the manifest at `path`, which errors name.
pub(super) fn parse_manifest(text: &str, path: &Path) -> Result<Parsed, JobError> {
    session::parse(text).map_err(|error| JobError::Manifest {
        path: path.to_owned(),
        error,
    })
}

/// The same for a manifest that has been read already.
pub fn prepare_dumps(manifest_path: PathBuf, parsed: Parsed, find: FindDump<'_>, depth: Depth) -> Prepared {
    let manifest = parsed.manifest;
    let found = probe_all(&manifest, find, depth);
    let mut prepared = Prepared {
        manifest_path,
        files: BTreeMap::new(),
        probes: Probes::new(),
        verdicts: Vec::new(),
        timeline: build(&manifest, &[]),
        hearing: Hearing::default(),
        kept: KeptSound::default(),
        warnings: parsed.warnings,
        manifest,
    };
    for (key, result) in found {
        prepared.take(key, result);
    }
    let inputs = prepared.probes.iter().map(|(key, probe)| DumpInput {
        track: key.track,
        dump: key.dump,
        stamps: &probe.stamps,
        sender_reports: &probe.sender_reports,
    });
    let timeline = build(&prepared.manifest, &inputs.collect::<Vec<_>>());
    prepared.warnings.extend(timeline.warnings.iter().cloned());
    prepared.timeline = timeline;
    prepared
}

/// The layout of that name, or of the file at that path, with the paths of its pictures made whole.
pub fn load_layout(name: &str) -> Result<Layout, JobError> {
    let mut layout = layout::parse(&layout_text(name)?).map_err(|error| JobError::Layout {
        name: name.to_owned(),
        error,
    })?;
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let watermark = layout.style.watermark.as_mut().map(|mark| &mut mark.picture);
    for picture in watermark.into_iter().chain(&mut layout.style.background_picture) {
        let path = folder.join(&*picture);
        render::check_picture(&path).map_err(|error| JobError::LayoutPicture {
            name: name.to_owned(),
            path: path.clone(),
            error,
        })?;
        *picture = path.display().to_string();
    }
    Ok(layout)
}

/// The messages of a CSV file.
pub fn load_chat(path: &Path) -> Result<Vec<ChatMessage>, JobError> {
    let failed = |reason: String| JobError::Chat {
        path: path.to_owned(),
        reason,
    };
    let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8: save it as CSV in UTF-8".to_owned()))?;
    session::parse_chat(&text).map_err(failed)
}

/// The file of the layout of that name, or at that path.
pub fn layout_text(name: &str) -> Result<String, JobError> {
    if !name.ends_with(".toml") && !name.contains('/') {
        return layout::builtin_text(name)
            .map(str::to_owned)
            .map_err(|error| JobError::Layout {
                name: name.to_owned(),
                error,
            });
    }
    read_layout(name).map_err(|error| JobError::LayoutUnreadable {
        path: name.into(),
        error,
    })
}

fn read_layout(name: &str) -> io::Result<String> {
    let bytes = render::read_small(Path::new(name), LARGEST_LAYOUT)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8: save it as UTF-8"))
}

type Found = Result<(DumpFile, Probe), DumpError>;

/// Probes all dumps on a few threads: it is mostly reading.
fn probe_all(manifest: &Manifest, find: FindDump<'_>, depth: Depth) -> BTreeMap<DumpKey, Found> {
    let keys = manifest
        .tracks
        .iter()
        .enumerate()
        .flat_map(|(track, it)| (0..it.dumps.len()).map(move |dump| DumpKey { track, dump }));
    let todo = Mutex::new(keys.collect::<Vec<_>>().into_iter());
    let done = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().expect("no probing thread panics").next();
                    let Some(key) = next else { return };
                    let found = probe_one(manifest, key, find, depth);
                    done.lock().expect("no probing thread panics").insert(key, found);
                }
            });
        }
    });
    done.into_inner().expect("no probing thread panics")
}

fn probe_one(manifest: &Manifest, key: DumpKey, find: FindDump<'_>, depth: Depth) -> Found {
    let track = &manifest.tracks[key.track];
    let dump = &track.dumps[key.dump];
    let path = find(key, &dump.uri)?;
    let probe = probe(&path, dump, track.kind, track.known_codec(), depth)?;
    Ok((
        DumpFile {
            path,
            format: dump.format.clone(),
            kind: track.kind,
        },
        probe,
    ))
}

impl Prepared {
    /// Listens to all of the session's sound, so that a plan can level it and tell who speaks.
    pub fn listen(
        &mut self,
        keeping: Option<&Keeping<'_>>,
        threads: usize,
        cancelled: &AtomicBool,
    ) -> Result<(), JobError> {
        let listening = listening(&self.timeline, &self.probes);
        let dumps = Dumps {
            files: &self.files,
            probes: &self.probes,
            kept: &self.kept,
        };
        let listened = render::listen(&listening, dumps, keeping, threads, cancelled)?;
        (self.hearing, self.kept) = (listened.hearing, listened.kept);
        Ok(())
    }

    /// What can be said about dumps that are not simply used.
    pub fn dump_warnings(&self) -> Vec<String> {
        let bad = self.verdicts.iter().filter(|verdict| verdict.verdict != Verdict::Used);
        bad.map(DumpVerdict::to_string).collect()
    }

    /// Adds a remark about a dump that turned out to be less than whole.
    pub fn remark(&mut self, key: DumpKey, remark: String) {
        if let Some(verdict) = self.verdicts.iter_mut().find(|verdict| verdict.key == key) {
            verdict.verdict = verdict.verdict.max(Verdict::Repaired);
            verdict.remarks.push(remark);
        }
    }

    fn take(&mut self, key: DumpKey, found: Found) {
        let track = &self.manifest.tracks[key.track];
        let uri = shown_uri(&track.dumps[key.dump].uri);
        let mut verdict = DumpVerdict {
            key,
            track_id: track.id.clone(),
            uri,
            verdict: Verdict::Used,
            remarks: Vec::new(),
        };
        match found {
            Ok((file, probe)) => {
                verdict.remarks.extend(probe.remarks.iter().cloned());
                if let Some(promised) = track.known_codec().filter(|codec| *codec != probe.codec) {
                    verdict
                        .remarks
                        .push(format!("holds {}, not {promised} as the manifest says", probe.codec));
                }
                if !verdict.remarks.is_empty() {
                    verdict.verdict = Verdict::Repaired;
                }
                self.files.insert(key, file);
                self.probes.insert(key, probe);
            }
            Err(error) => {
                verdict.verdict = Verdict::Quarantined;
                verdict.remarks.push(error.to_string());
            }
        }
        self.verdicts.push(verdict);
    }
}

impl std::fmt::Display for DumpVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.verdict {
            Verdict::Used => "used",
            Verdict::Repaired => "used as far as possible",
            Verdict::Quarantined => "left out",
        };
        // names come from strangers: control characters must not reach a terminal
        let uri = self.uri.escape_default();
        write!(
            f,
            "dump {uri} (track {}) {word}: {}",
            self.track_id.as_str().escape_default(),
            self.remarks.join("; ")
        )
    }
}
