//! A dump that kills whatever decodes it.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::{
    stage::{Stage, await_that},
    support::{sample, text},
};

/// A decoder with a fault: a packet that holds these bytes makes it read where nothing is.
const MARK: &[u8; 8] = b"DEADLY!!";
const FAULTY_DECODER: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <string.h>
    #include <libavcodec/avcodec.h>

    int avcodec_send_packet(AVCodecContext *context, const AVPacket *packet) {
        if (packet && packet->data && memmem(packet->data, packet->size, "DEADLY!!", 8))
            *(volatile int *)0 = 1;
        int (*decode)(AVCodecContext *, const AVPacket *) = dlsym(RTLD_NEXT, "avcodec_send_packet");
        return decode(context, packet);
    }
"#;

#[test]
fn a_dump_that_kills_the_decoder_is_left_out_after_two_crashes() {
    let stage = Stage::new();
    let library = faulty_decoder(&stage);
    let stage = stage.with("LD_PRELOAD", text(&library));
    let worker = stage.worker("spool-a", &["--slots", "1"]);
    let mut job = stage.job("unlucky");
    job["session"] = json!(text(&session_with_a_deadly_dump(&stage)));
    stage.submit(&job);
    await_that("the rest is delivered", || stage.state("unlucky") == "delivered");
    assert_eq!(worker.counter("tessera_jobs_total", "retry"), 2.0, "{}", worker.log());
    assert_eq!(stage.delivered().len(), 1);
    let report = stage.report("unlucky");
    let dumps = report["dumps"].as_array().unwrap();
    let of = |uri: &str| dumps.iter().find(|dump| dump["uri"] == uri).unwrap_or(&Value::Null);
    let deadly = of("tracks/deadly.ivf");
    assert_eq!(deadly["verdict"], "quarantined", "{deadly}");
    assert!(deadly.to_string().contains("signal 11"), "{deadly}");
    assert_eq!(of("tracks/asha-camera.webm")["verdict"], "used", "{report}");
}

fn faulty_decoder(stage: &Stage) -> PathBuf {
    let (source, library) = (stage.path("faulty.c"), stage.path("faulty.so"));
    fs::write(&source, FAULTY_DECODER).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", text(&library), text(&source), "-ldl"])
        .output()
        .expect("a C compiler built the dependencies, too");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    library
}

/// The sample, with one more camera of Asha's.
fn session_with_a_deadly_dump(stage: &Stage) -> PathBuf {
    let folder = stage.path("session");
    fs::create_dir_all(folder.join("tracks")).unwrap();
    for entry in fs::read_dir(sample().join("tracks")).unwrap().flatten() {
        fs::copy(entry.path(), folder.join("tracks").join(entry.file_name())).unwrap();
    }
    fs::write(folder.join("tracks/deadly.ivf"), deadly_ivf()).unwrap();
    let manifest = fs::read_to_string(sample().join("session.json")).unwrap();
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["tracks"].as_array_mut().unwrap().push(json!({
        "id": "deadly", "stream_id": "asha-second", "peer_id": "p1", "kind": "video", "source": "camera", "codec": "vp8",
        "dumps": [{"uri": "tracks/deadly.ivf", "format": "ivf", "started_at": "2026-11-20T10:00:02.000Z"}],
    }));
    fs::write(folder.join("session.json"), manifest.to_string()).unwrap();
    folder
}

/// Sixty frames of VP8 at 30/s, each a keyframe of 320x180 by its header (RFC 6386, section 9.1) and nonsense after it.
fn deadly_ivf() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(b"DKIF");
    file.extend([0, 0, 32, 0]);
    file.extend(b"VP80");
    file.extend([64, 1, 180, 0]);
    file.extend(30_u32.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend(60_u32.to_le_bytes());
    file.extend([0; 4]);
    for index in 0..60_u64 {
        let mut frame = vec![0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 64, 1, 180, 0];
        frame.extend(MARK);
        frame.resize(64, 0x5a);
        file.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
        file.extend(index.to_le_bytes());
        file.extend(frame);
    }
    file
}
