//! Where a recording goes, what lies there already, and what is remembered of it.

use serde::Serialize;

use super::{Job, JobError, JobSpool, Prepared, RecordingFacts, Report};
use crate::{
    composition::Plan,
    media::sha256_hex,
    storage::{Bucket, Destination, Fault, LocalFile, ObjectFacts, ObjectKey},
};

/// Names of what is kept with an object.
const PLAN_MARK: &str = "tessera-plan";
const SHA256_MARK: &str = "tessera-sha256";

/// Where the recording goes.
pub(super) struct Target {
    pub key: ObjectKey,
    pub variant: Option<String>,
    pub existing: Existing,
}

/// What lies at a key.
pub(super) enum Existing {
    Nothing,
    SamePlan(ObjectFacts),
    OtherPlan,
    /// A file, which cannot tell what plan it was made from.
    Unknown(ObjectFacts),
}

impl Target {
    pub async fn look(
        key: ObjectKey,
        variant: Option<String>,
        plan: &Plan,
        bucket: &Bucket,
    ) -> Result<Target, JobError> {
        let facts = match bucket.head(&key).await {
            Ok(facts) => facts,
            // without the permission to list, this is how a bucket says that there is nothing; reading was tried before
            Err(error) if error.fault == Fault::Denied => None,
            Err(error) => return Err(JobError::Delivery(error)),
        };
        let existing = match (facts, bucket) {
            (None, _) => Existing::Nothing,
            (Some(facts), Bucket::Folder(_)) => Existing::Unknown(facts),
            (Some(facts), Bucket::S3(_)) if facts.marks.get(PLAN_MARK) == Some(&plan.hash) => Existing::SamePlan(facts),
            (Some(_), Bucket::S3(_)) => Existing::OtherPlan,
        };
        Ok(Target { key, variant, existing })
    }

    /// A file does not tell what plan it was made from, but the record may.
    pub fn remembered(mut self, before: Option<&RecordingFacts>, plan: &Plan) -> Target {
        if let (Existing::Unknown(facts), Some(recording)) = (&self.existing, before)
            && recording.key == self.key
            && is_same(facts, recording)
        {
            self.existing = if recording.plan_hash == plan.hash {
                Existing::SamePlan(facts.clone())
            } else {
                Existing::OtherPlan
            };
        }
        self
    }
}

/// The recording that lies at the target already, if it was made from this plan.
pub(super) fn adopted(plan: &Plan, target: &Target, prepared: &Prepared) -> Option<RecordingFacts> {
    let Existing::SamePlan(facts) = &target.existing else {
        return None;
    };
    let certificate = &prepared.timeline.certificate;
    let warnings = prepared
        .warnings
        .iter()
        .chain(&plan.warnings)
        .cloned()
        .chain(prepared.dump_warnings());
    Some(RecordingFacts {
        plan_hash: plan.hash.clone(),
        started_at: plan.started_at,
        duration_ms: plan.duration().millis(),
        key: target.key.clone(),
        variant: target.variant.clone(),
        uri: None,
        parked: None,
        size: facts.size,
        sha256: sum(facts)?.clone(),
        warnings: warnings.collect(),
        worst_offset_ms: certificate.worst_offset.millis(),
        anchor: certificate.worst_anchor.map(|anchor| name_of(&anchor)),
    })
}

/// The recording that was rendered just now.
pub(super) fn rendered(report: &Report, target: &Target) -> RecordingFacts {
    let asset = report.assets.first().expect("a rendering leaves one asset");
    RecordingFacts {
        plan_hash: report.plan_hash.clone(),
        started_at: report.started_at,
        duration_ms: report.duration_ms,
        key: target.key.clone(),
        variant: target.variant.clone(),
        uri: None,
        parked: None,
        size: asset.size,
        sha256: asset.sha256.clone(),
        warnings: report.warnings.clone(),
        worst_offset_ms: report.sync.worst_offset.millis(),
        anchor: report.sync.worst_anchor.map(|anchor| name_of(&anchor)),
    }
}

/// The finished file as it is to be sent.
pub(super) fn local_file(spool: &JobSpool, file: &str, recording: &RecordingFacts) -> LocalFile {
    LocalFile {
        path: spool.file(file),
        size: recording.size,
        sha256: recording.sha256.clone(),
        content_type: "video/mp4",
        marks: [
            (PLAN_MARK.to_owned(), recording.plan_hash.clone()),
            (SHA256_MARK.to_owned(), recording.sha256.clone()),
        ]
        .into(),
    }
}

/// Whether what lies in the destination is this recording.
pub(super) fn is_same(facts: &ObjectFacts, recording: &RecordingFacts) -> bool {
    facts.size == recording.size && sum(facts) == Some(&recording.sha256)
}

/// S3 keeps our mark; a folder computes the sum.
fn sum(facts: &ObjectFacts) -> Option<&String> {
    facts.marks.get(SHA256_MARK).or_else(|| facts.marks.get("sha256"))
}

/// What is asked for, without where it goes and who is told.
pub(super) fn recipe(job: &Job) -> String {
    let asked = serde_json::json!([job.session, job.composite()]);
    sha256_hex(asked.to_string().as_bytes())
}

/// Where it goes, without credentials.
pub(super) fn place(destination: &Destination) -> String {
    match destination {
        Destination::S3(it) => {
            let endpoint = it
                .options
                .endpoint
                .as_deref()
                .map(|endpoint| format!(" at {}", crate::media::redacted_url(endpoint)));
            format!(
                "s3://{}/{}{}",
                it.location,
                it.prefix.as_deref().unwrap_or_default(),
                endpoint.unwrap_or_default()
            )
        }
        Destination::File(it) => format!("{}/{}", it.location.display(), it.prefix.as_deref().unwrap_or_default()),
    }
}

/// The last part of a key.
pub(super) fn file_name(key: &ObjectKey) -> String {
    key.as_str().rsplit('/').next().unwrap_or_default().to_owned()
}

/// What serde calls a unit variant.
fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
