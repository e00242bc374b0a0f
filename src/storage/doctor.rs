//! What the credentials may do in a destination, found out by doing it with tiny objects under its own prefix.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};

use super::{
    Action, Check, Checkup, Class, Destination, Fault, FileDestination, Finding, Folder, KeyError, ObjectKey, Patience,
    S3Bucket, S3Destination, StorageError, UploadJournal, folder::Privacy, policy,
};

const CONTENT: &[u8] = b"written by tessera check-storage; may be deleted\n";
/// The one object that is left, and used again, where deleting is not allowed.
const FIXED_NAME: &str = ".tessera-check";

/// Who examines: it decides under which name, and who clears away what is left if the process is killed meanwhile.
#[derive(Debug, Clone, Copy)]
pub enum Examination<'a> {
    /// Under a name that nobody else uses.
    Once,
    /// Under a name of the job's own: its next run clears away what this one leaves.
    OfJob { id: &'a str, journal: &'a UploadJournal },
}

impl Examination<'_> {
    fn name(self) -> String {
        match self {
            Examination::Once => format!("{FIXED_NAME}-{:016x}", fastrand::u64(..)),
            Examination::OfJob { id, .. } => format!("{FIXED_NAME}-{id}"),
        }
    }

    fn journal(self) -> UploadJournal {
        match self {
            Examination::Once => UploadJournal::nowhere(),
            Examination::OfJob { journal, .. } => journal.clone(),
        }
    }
}

/// Tries in `destination` what a job will do there. Fails only if no key can be made of `prefix`.
pub async fn examine(
    destination: &Destination,
    prefix: Option<&str>,
    examination: Examination<'_>,
) -> Result<Checkup, KeyError> {
    let prefix = prefix.unwrap_or_default().trim_matches('/');
    match destination {
        Destination::S3(it) => examine_bucket(it, prefix, examination).await,
        Destination::File(it) => examine_folder(it, prefix, examination),
    }
}

async fn examine_bucket(
    destination: &S3Destination,
    prefix: &str,
    examination: Examination<'_>,
) -> Result<Checkup, KeyError> {
    let bucket = S3Bucket::connect(
        &destination.location,
        &destination.options,
        destination.credentials.as_ref(),
    )
    .await;
    let passing = key(prefix, &examination.name())?;
    let mut examiner = Examiner {
        bucket: bucket.with_patience(Patience::Short),
        journal: examination.journal(),
        checks: Vec::new(),
    };
    // deleting what is not there is allowed to whoever may delete, and tells which key to use
    let may_delete = examiner.delete(&passing).await;
    let probe = if may_delete { passing } else { key(prefix, FIXED_NAME)? };
    if !examiner.is_hopeless() {
        examiner.objects(&probe).await;
        if may_delete {
            // this name is the job's alone: what is unfinished there is left of a run that was killed elsewhere
            examiner.bucket.abort_strays(&probe).await;
        }
        examiner.multipart(&probe).await;
        if may_delete {
            // a beginning whose answer was lost and that was tried again left an upload that nobody knows
            examiner.bucket.abort_strays(&probe).await;
        }
        // tried even where it did not work above: an account that was suspended then may have been let in since;
        // what is left if it fails is one tiny object
        let _ = examiner.bucket.delete(&probe).await;
    }
    examiner.fill_in();
    Ok(Checkup {
        destination: format!("s3://{}/{prefix}", destination.location),
        endpoint: destination
            .options
            .endpoint
            .as_deref()
            .map(|endpoint| crate::media::redacted_url(endpoint).to_string()),
        region: examiner.bucket.region(),
        checks: examiner.checks,
        policy: Some(policy::smallest(destination, prefix)),
    })
}

struct Examiner {
    bucket: S3Bucket,
    journal: UploadJournal,
    checks: Vec<Check>,
}

/// In the order in which they are reported.
const ALL: [Action; 8] = [
    Action::PutObject,
    Action::HeadObject,
    Action::GetObject,
    Action::CreateMultipartUpload,
    Action::UploadPart,
    Action::CompleteMultipartUpload,
    Action::AbortMultipartUpload,
    Action::DeleteObject,
];

impl Examiner {
    async fn delete(&mut self, key: &ObjectKey) -> bool {
        let result = self.bucket.delete(key).await;
        self.note(Action::DeleteObject, result).is_some()
    }

    async fn objects(&mut self, key: &ObjectKey) {
        let written = self.bucket.put(key, CONTENT, "text/plain").await;
        if self.note(Action::PutObject, written).is_none() {
            return;
        }
        let seen = self.bucket.head(key).await;
        self.note(Action::HeadObject, seen);
        let read = self.bucket.get(key, 1 << 16).await;
        self.note(Action::GetObject, read);
    }

    async fn multipart(&mut self, key: &ObjectKey) {
        // what an earlier run left comes first, since the journal holds one upload
        if let Err(error) = self.bucket.abort_unfinished(&self.journal).await {
            self.note(Action::AbortMultipartUpload, Err::<(), _>(error));
            return;
        }
        if let Some(id) = self.create(key).await {
            let completed = match self.upload_part(key, &id).await {
                Some(part) => self.complete(key, &id, part).await.is_some(),
                None => false,
            };
            if !completed {
                self.abort(key, &id).await;
            } else if let Some(id) = self.create(key).await {
                self.abort(key, &id).await;
            }
        }
    }

    async fn create(&mut self, key: &ObjectKey) -> Option<String> {
        let begun = self
            .bucket
            .begin_upload(key, "text/plain", &BTreeMap::new(), &self.journal)
            .await;
        self.note(Action::CreateMultipartUpload, begun)
    }

    async fn abort(&mut self, key: &ObjectKey, id: &str) {
        let aborted = self.bucket.abort(key, id).await;
        if self.note(Action::AbortMultipartUpload, aborted).is_some() {
            self.journal.clear();
        }
    }

    async fn upload_part(&mut self, key: &ObjectKey, id: &str) -> Option<CompletedPart> {
        let bucket = &self.bucket;
        let send = || {
            let request = bucket
                .client
                .upload_part()
                .bucket(&bucket.name)
                .key(key.as_str())
                .upload_id(id)
                .part_number(1);
            request.body(ByteStream::from_static(CONTENT)).send()
        };
        let sent = bucket.tried(Action::UploadPart, key, send).await;
        let sent = self.note(Action::UploadPart, sent)?;
        Some(
            CompletedPart::builder()
                .part_number(1)
                .set_e_tag(sent.e_tag().map(str::to_owned))
                .build(),
        )
    }

    async fn complete(&mut self, key: &ObjectKey, id: &str, part: CompletedPart) -> Option<()> {
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let bucket = &self.bucket;
        let send = || {
            let request = bucket
                .client
                .complete_multipart_upload()
                .bucket(&bucket.name)
                .key(key.as_str())
                .upload_id(id);
            request.multipart_upload(parts.clone()).send()
        };
        let completed = bucket.tried(Action::CompleteMultipartUpload, key, send).await;
        self.note(Action::CompleteMultipartUpload, completed)?;
        self.journal.clear();
        Some(())
    }

    /// Takes down how an operation went, once.
    fn note<T>(&mut self, operation: Action, result: Result<T, StorageError>) -> Option<T> {
        let finding = match &result {
            Ok(_) => Finding::Allowed,
            Err(error) => finding(&error.fault),
        };
        if !self.checks.iter().any(|check| check.operation == operation) {
            self.checks.push(check(operation, finding));
        }
        result.ok()
    }

    /// Whether the bucket cannot be spoken to at all, so that nothing else will work either.
    fn is_hopeless(&self) -> bool {
        self.checks.iter().any(|check| match &check.finding {
            Finding::Unreachable { .. } => true,
            Finding::Denied { why } => *why != Fault::Denied.to_string(),
            Finding::Allowed | Finding::NotTried { .. } => false,
        })
    }

    /// Says of what was not tried why, and puts all in order.
    fn fill_in(&mut self) {
        let failed = self
            .checks
            .iter()
            .find(|check| check.finding != Finding::Allowed && check.required);
        let finding = match (self.is_hopeless(), self.checks.first(), failed) {
            (true, Some(first), _) => first.finding.clone(),
            (_, _, Some(failed)) => Finding::NotTried {
                why: format!("{} did not work", failed.operation),
            },
            (_, _, None) => Finding::NotTried {
                why: "there was no need".to_owned(),
            },
        };
        for operation in ALL {
            if !self.checks.iter().any(|check| check.operation == operation) {
                self.checks.push(check(operation, finding.clone()));
            }
        }
        self.checks
            .sort_by_key(|check| ALL.iter().position(|operation| *operation == check.operation));
    }
}

fn examine_folder(
    destination: &FileDestination,
    prefix: &str,
    examination: Examination<'_>,
) -> Result<Checkup, KeyError> {
    let folder = Folder::at(&destination.location, Privacy::Usual);
    let probe = key(prefix, &examination.name())?;
    let outcome =
        |result: Result<(), StorageError>| result.map_or_else(|error| finding(&error.fault), |()| Finding::Allowed);
    let checks = vec![
        check(Action::PutObject, outcome(folder.put(&probe, CONTENT))),
        check(Action::HeadObject, outcome(folder.head(&probe).map(|_| ()))),
        check(Action::GetObject, outcome(folder.get(&probe, 1 << 16).map(|_| ()))),
        check(Action::DeleteObject, outcome(folder.delete(&probe))),
    ];
    Ok(Checkup {
        destination: destination.location.join(prefix).display().to_string(),
        endpoint: None,
        region: None,
        checks,
        policy: None,
    })
}

fn key(prefix: &str, name: &str) -> Result<ObjectKey, KeyError> {
    if prefix.is_empty() {
        ObjectKey::new(name)
    } else {
        ObjectKey::new(format!("{prefix}/{name}"))
    }
}

fn check(operation: Action, finding: Finding) -> Check {
    Check {
        operation,
        iam_action: operation.iam(),
        required: operation != Action::DeleteObject,
        finding,
    }
}

fn finding(fault: &Fault) -> Finding {
    let why = fault.to_string();
    match fault.class() {
        Class::Refused | Class::Broken => Finding::Denied { why },
        Class::Transient => Finding::Unreachable { why },
        // what was just written is not there
        Class::Missing => Finding::Denied { why },
    }
}
