//! Large files go in parts. No part is left behind that somebody would pay for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;
use tessera::{
    media::Secret,
    storage::{Credentials, LocalFile, ObjectKey, S3Bucket, S3Options, UploadJournal},
};

use crate::{
    bucket::{TestBucket, endpoint, wait},
    case::{Case, OWNER, WRITER},
    proxy::{Proxy, Way, Weather},
    services::s3_server,
    support::{Run, text, tool},
};

const SIZE: usize = 40 << 20;

/// A file of 40 MiB that goes in five parts, and where it goes.
struct Large {
    folder: TempDir,
    bucket: TestBucket,
    file: LocalFile,
    key: ObjectKey,
}

impl Large {
    fn new() -> Large {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("large.mp4");
        // no two parts are the same, so that parts out of order would be noticed
        let bytes: Vec<u8> = (0..SIZE as u64 / 8)
            .flat_map(|it| (it * 0x9e37_79b9_7f4a_7c15).to_le_bytes())
            .collect();
        fs::write(&path, &bytes).unwrap();
        let file = LocalFile {
            path,
            size: bytes.len() as u64,
            sha256: "0".repeat(64),
            content_type: "video/mp4",
            marks: [("tessera-plan".to_owned(), "p".to_owned())].into(),
        };
        Large {
            folder,
            bucket: TestBucket::new(),
            file,
            key: ObjectKey::new("prod/large.mp4").unwrap(),
        }
    }

    fn journal(&self) -> UploadJournal {
        UploadJournal::at(self.journal_path())
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.path().join("upload.json")
    }

    fn connected(&self, endpoint: String, (key, secret): (&str, &str)) -> S3Bucket {
        let options = S3Options {
            endpoint: Some(endpoint),
            path_style: true,
            ..S3Options::default()
        };
        let credentials = Credentials::Static {
            key: Secret::new(key),
            secret: Secret::new(secret),
            session_token: None,
        };
        wait(S3Bucket::connect(&self.bucket.name, &options, Some(&credentials)))
    }

    fn arrived(&self) {
        assert_eq!(self.bucket.keys(), [self.key.as_str()]);
        assert_eq!(self.bucket.unfinished(), Vec::<String>::new());
        assert!(!self.journal_path().exists(), "the journal still names an upload");
        let head = self.bucket.head(self.key.as_str());
        assert!(head.e_tag().unwrap().contains("-5"), "{head:?}");
        assert_eq!(head.content_type(), Some("video/mp4"));
        assert!(self.bucket.get(self.key.as_str()) == fs::read(&self.file.path).unwrap());
    }
}

fn through(proxy: &Proxy) -> String {
    format!("http://127.0.0.1:{}", proxy.port)
}

#[test]
fn a_large_file_arrives_whole_and_marked() {
    let large = Large::new();
    let bucket = large.connected(endpoint(), OWNER);
    wait(bucket.upload(&large.file, &large.key, &large.journal())).unwrap();
    large.arrived();
    let facts = wait(bucket.head(&large.key)).unwrap().unwrap();
    assert_eq!((facts.size, &facts.marks), (large.file.size, &large.file.marks));
}

#[test]
fn parts_that_break_off_are_sent_again_and_only_they() {
    let (large, proxy) = (Large::new(), Proxy::before(s3_server().port));
    proxy.set(Weather::Cut {
        way: Way::Up,
        bytes: 3 << 20,
        times: 4,
    });
    let bucket = large.connected(through(&proxy), OWNER);
    wait(bucket.upload(&large.file, &large.key, &large.journal())).unwrap();
    assert_eq!(proxy.cuts(), 4);
    let sent = proxy.bytes(Way::Up);
    assert!(
        sent < large.file.size + ((4 * 8) << 20) + (1 << 20),
        "{sent} bytes were sent"
    );
    large.arrived();
}

#[test]
fn a_lost_answer_to_the_last_request_is_made_good() {
    let (large, proxy) = (Large::new(), Proxy::before(s3_server().port));
    let bucket = large.connected(through(&proxy), OWNER);
    // answers are short: some connection breaks off at every stage of the upload
    proxy.set(Weather::Cut {
        way: Way::Down,
        bytes: 600,
        times: 12,
    });
    wait(bucket.upload(&large.file, &large.key, &large.journal())).unwrap();
    assert!(proxy.cuts() > 0);
    large.arrived();
}

#[test]
fn an_upload_that_is_refused_leaves_no_parts() {
    let large = Large::new();
    // less than a part: what has arrived is counted with delay
    large.bucket.set_quota("4000000");
    let bucket = large.connected(endpoint(), OWNER);
    let error = wait(bucket.upload(&large.file, &large.key, &large.journal())).unwrap_err();
    assert!(error.to_string().contains("QuotaExceeded"), "{error}");
    assert_eq!(large.bucket.unfinished(), Vec::<String>::new());
    assert!(!large.journal_path().exists());
}

#[test]
fn what_cannot_be_verified_is_an_error() {
    let large = Large::new();
    // may write, may not look
    let bucket = large.connected(endpoint(), WRITER);
    let error = wait(bucket.upload(&large.file, &large.key, &large.journal())).unwrap_err();
    assert!(error.to_string().starts_with("HeadObject"), "{error}");
    assert_eq!(large.bucket.unfinished(), Vec::<String>::new());
}

/// A session whose recording is large: noise, and nothing lost in encoding it.
pub fn noise(folder: &Path) -> PathBuf {
    let session = folder.join("noise");
    fs::create_dir_all(&session).unwrap();
    let source = "color=gray:s=640x360:r=25:d=4,noise=alls=100:allf=t";
    let options = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "4",
        "-pix_fmt",
        "yuv420p",
    ];
    let file = session.join("noise.mp4");
    tool(
        "ffmpeg",
        &[&["-f", "lavfi", "-i", source], &options[..], &[text(&file)]].concat(),
    );
    let manifest = json!({
        "version": 1,
        "session": {"id": "noise", "room_id": "room", "started_at": "2026-11-20T10:00:00.000Z",
                    "ended_at": "2026-11-20T10:00:04.000Z"},
        "peers": [{"id": "p1", "joined_at": "2026-11-20T10:00:00.000Z"}],
        "tracks": [{"id": "t1", "peer_id": "p1", "kind": "video", "source": "camera", "codec": "h264",
                    "dumps": [{"uri": "noise.mp4", "started_at": "2026-11-20T10:00:00.000Z"}]}],
    });
    fs::write(session.join("session.json"), manifest.to_string()).unwrap();
    session
}

/// A job that is in the middle of a part of its upload.
fn uploading() -> (Proxy, Case, std::process::Child) {
    let proxy = Proxy::before(s3_server().port);
    let mut case = Case::new();
    case.deliver_through(&proxy);
    case.job["session"] = json!(noise(case.folder.path()));
    case.job["outputs"] = json!([{"type": "room-composite", "resolution": "640x360", "preset": "ultrafast", "crf": 0}]);
    proxy.set(Weather::Slow(3 << 20));
    let child = case.begin();
    assert!(proxy.wait_for(Way::Up, 6 << 20), "no upload began");
    (proxy, case, child)
}

#[test]
fn killed_in_the_middle_of_a_part_the_next_run_clears_away_and_delivers() {
    let (proxy, case, mut child) = uploading();
    child.kill().unwrap();
    let killed = Run::of(child.wait_with_output().unwrap());
    assert_eq!(killed.code, None, "{killed:#?}");
    assert_eq!(case.bucket.unfinished().len(), 1, "{}", killed.stderr);
    assert_eq!(case.bucket.keys(), Vec::<String>::new());

    proxy.set(Weather::Fair);
    let run = case.run();
    let done = crate::case::outcome(&run);
    assert_eq!(done["made"], "delivered", "what was rendered is not rendered again");
    assert!(
        done["recording"]["size"].as_u64().unwrap() > 17 << 20,
        "the test needs more than one part"
    );
    assert_eq!(case.bucket.unfinished(), Vec::<String>::new());
    assert_eq!(case.bucket.keys().len(), 1);
}

#[test]
fn given_up_by_ctrl_c_it_leaves_neither_parts_nor_spool() {
    let (_proxy, case, child) = uploading();
    let id = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-s", "INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let run = Run::of(child.wait_with_output().unwrap());
    run.failed_with(130, &["cancelled"]);
    assert_eq!(case.bucket.unfinished(), Vec::<String>::new());
    assert_eq!((case.bucket.keys(), case.left_in_spool()), (Vec::new(), Vec::new()));
}
