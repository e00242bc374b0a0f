//! The job: the message on the queue, the file given to `tessera submit`, and the argument of `tessera run`.

use std::{fmt, path::Path};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Composite, JobError, JobId};
use crate::{
    media::document::{self, Fault, Values},
    notify::{Webhook, check_secret},
    storage::{Destination, KeyError, ObjectKey, Place},
};

/// What to make of which session, where to put it, and whom to tell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(title = "Tessera job")]
pub struct Job {
    /// Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The idempotency key: letters, digits, `.`, `_` and `-`.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"))]
    pub job_id: JobId,
    /// A session.json or a folder that holds one: `s3://…`, `file://…` or a path.
    #[schemars(length(min = 1))]
    pub session: String,
    /// Supplies what the job leaves out: a file of the configured folder of templates.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"))]
    pub template: Option<String>,
    /// Default: one room-composite as it comes.
    #[serde(default = "one_composite")]
    #[schemars(length(min = 1, max = 1))]
    pub outputs: Vec<Output>,
    pub destination: Destination,
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// What to do if the session has a recording already that was made from another plan. Default: refuse.
    #[serde(default)]
    pub reprocess: Option<Reprocess>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Output {
    /// Everybody in one picture.
    RoomComposite(Composite),
}

/// What becomes of a recording of another plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reprocess {
    /// The new one takes its place, under the same key.
    Replace,
    /// The new one lies beside it, under a key that tells its plan.
    NewKey,
}

/// A job as it was given, completed by its template, and checked.
#[derive(Clone, PartialEq)]
pub struct ReadJob {
    pub job: Job,
    /// The completed document, secrets included: to be kept where only the service reads.
    pub document: Value,
    pub warnings: Vec<String>,
}

/// Without the document, which holds the secrets.
impl fmt::Debug for ReadJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ReadJob");
        shown.field("job", &self.job).field("warnings", &self.warnings);
        shown.finish_non_exhaustive()
    }
}

impl Job {
    /// The JSON Schema of the job.
    pub fn schema() -> Value {
        schemars::schema_for!(Job).to_value()
    }

    /// Reads a job. `name` is what errors call it; `templates` is the folder of template files.
    pub fn read(text: &str, name: &str, templates: Option<&Path>) -> Result<ReadJob, JobError> {
        let wrong = |faults: Vec<Fault>| JobError::Job {
            name: name.to_owned(),
            faults,
        };
        let mut document = document::parse(text).map_err(|fault| wrong(vec![fault]))?;
        if let Some(template) = document.get("template").and_then(Value::as_str).map(str::to_owned) {
            let folder = templates.ok_or_else(|| JobError::NoTemplates {
                template: template.clone(),
            })?;
            complete(&mut document, &read_template(folder, &template)?);
        }
        Job::from_document(document, name)
    }

    /// Checks a job that is complete.
    pub fn from_document(document: Value, name: &str) -> Result<ReadJob, JobError> {
        let wrong = |faults: Vec<Fault>| JobError::Job {
            name: name.to_owned(),
            faults,
        };
        let read = document::read::<Job>(&document, Values::Hidden).map_err(wrong)?;
        let faults = meaning_faults(&read.document);
        if !faults.is_empty() {
            return Err(wrong(faults));
        }
        Ok(ReadJob {
            job: read.document,
            document,
            warnings: read.warnings,
        })
    }

    /// Checks what can be checked of a job whose template is elsewhere, and says its id.
    pub fn read_before_template(text: &str, name: &str) -> Result<JobId, JobError> {
        let wrong = |faults: Vec<Fault>| JobError::Job {
            name: name.to_owned(),
            faults,
        };
        let document = document::parse(text).map_err(|fault| wrong(vec![fault]))?;
        if document.get("template").is_none() {
            return Job::from_document(document, name).map(|read| read.job.job_id);
        }
        let id = document.get("job_id").and_then(Value::as_str).and_then(JobId::parse);
        id.ok_or_else(|| {
            wrong(vec![Fault::new(
                "/job_id",
                "is missing, or not made of letters, digits, '.', '_' and '-'",
            )])
        })
    }

    pub fn place(&self) -> Place {
        Place::parse(&self.session).expect("the session's place was checked when the job was read")
    }

    /// The one recording that the job asks for.
    pub fn composite(&self) -> &Composite {
        let Output::RoomComposite(composite) = self.outputs.first().expect("a job has one output: its schema says so");
        composite
    }
}

/// Reads a destination by itself, as `check-storage` and `deliver` are given it.
pub fn read_destination(text: &str, name: &str) -> Result<Destination, JobError> {
    let wrong = |faults: Vec<Fault>| JobError::Destination {
        name: name.to_owned(),
        faults,
    };
    let value = document::parse(text).map_err(|fault| wrong(vec![fault]))?;
    let destination = document::read::<Destination>(&value, Values::Hidden)
        .map_err(wrong)?
        .document;
    let faults: Vec<Fault> = prefix_fault(&destination).into_iter().collect();
    if faults.is_empty() {
        Ok(destination)
    } else {
        Err(wrong(faults))
    }
}

fn one_composite() -> Vec<Output> {
    vec![Output::RoomComposite(Composite::default())]
}

/// What no schema can say.
fn meaning_faults(job: &Job) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Err(error) = Place::parse(&job.session) {
        faults.push(Fault::new("/session", error.to_string()));
    }
    if let Err(why) = job.composite().canvas() {
        faults.push(Fault::new("/outputs/0/resolution", why));
    }
    faults.extend(
        prefix_fault(&job.destination).map(|fault| Fault::new(format!("/destination{}", fault.path), fault.what)),
    );
    for (index, webhook) in job.webhooks.iter().enumerate() {
        if let Some(Err(error)) = webhook.secret.as_ref().map(check_secret) {
            faults.push(Fault::new(format!("/webhooks/{index}/secret"), error.to_string()));
        }
        if url::Url::parse(webhook.url.expose()).is_err() {
            faults.push(Fault::new(format!("/webhooks/{index}/url"), "is not a URL"));
        }
    }
    faults
}

fn prefix_fault(destination: &Destination) -> Option<Fault> {
    let prefix = destination.prefix()?.trim_matches('/');
    let wrong = |error: KeyError| Fault::new("/prefix", error.to_string());
    (!prefix.is_empty())
        .then(|| ObjectKey::new(prefix).err().map(wrong))
        .flatten()
}

/// Fills in what the job leaves out.
fn complete(job: &mut Value, template: &Value) {
    if let (Some(job), Some(template)) = (job.as_object_mut(), template.as_object()) {
        for (name, value) in template {
            job.entry(name).or_insert_with(|| value.clone());
        }
    }
}

fn read_template(folder: &Path, name: &str) -> Result<Value, JobError> {
    let wrong = |why: String| JobError::Template {
        template: name.to_owned(),
        why,
    };
    // the name comes from a message: it must not lead out of the folder
    if JobId::parse(name).is_none() {
        return Err(wrong("it is no name: use letters, digits, '.', '_' and '-'".into()));
    }
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    document::parse(&text).map_err(|fault| wrong(format!("{}: {fault}", path.display())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "version": 1, "job_id": "j1", "session": "s3://dumps/a/session.json",
            "destination": {"type": "s3", "location": "acme", "credentials": {"key": "AK", "secret": "SEKRET"}},
            "webhooks": [{"url": "https://example.com/x", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}],
        })
    }

    fn read(value: &Value) -> Result<ReadJob, JobError> {
        Job::read(&value.to_string(), "job.json", None)
    }

    #[test]
    fn a_job_needs_little() {
        let read = read(&good()).unwrap();
        assert_eq!(read.job.composite(), &Composite::default());
        assert!(!format!("{read:?}").contains("SEKRET"));
    }

    #[test]
    fn faults_come_all_at_once_and_quote_no_secret() {
        let mut value = good();
        value["job_id"] = json!("../x");
        value["destination"]["credentials"]["secret"] = json!({"SEKRET": 1});
        value["webhooks"][0]["url"] = json!("gopher://SEKRET");
        value["outputs"] = json!([{"type": "room-composite", "crf": 99}]);
        let text = read(&value).unwrap_err().to_string();
        let places = ["/job_id", "/destination", "/webhooks/0/url", "/outputs/0/crf"];
        assert!(places.iter().all(|place| text.contains(place)), "{text}");
        assert!(!text.contains("SEKRET"), "{text}");
        let mut value = good();
        value["webhooks"][0]["secret"] = json!("SEKRET");
        value["destination"]["prefix"] = json!("a/../b");
        let text = read(&value).unwrap_err().to_string();
        assert!(
            text.contains("/webhooks/0/secret") && text.contains("/destination/prefix"),
            "{text}"
        );
        assert!(!text.contains("SEKRET"), "{text}");
    }

    #[test]
    fn templates_supply_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let template = json!({"destination": {"type": "file", "location": "/x"}, "outputs": [{"type": "room-composite", "crf": 20}]});
        std::fs::write(folder.path().join("tpl_1.json"), template.to_string()).unwrap();
        let job = |template: &str| json!({"version": 1, "job_id": "j", "session": "a", "template": template, "outputs": [{"type": "room-composite"}]});
        let read = Job::read(&job("tpl_1").to_string(), "j", Some(folder.path())).unwrap();
        assert!(matches!(read.job.destination, Destination::File(_)));
        assert_eq!(read.job.composite().crf, None, "the job's own outputs count");
        for (name, folder) in [
            ("../tpl_1", Some(folder.path())),
            ("gone", Some(folder.path())),
            ("tpl_1", None),
        ] {
            assert!(
                Job::read(&job(name).to_string(), "j", folder).is_err(),
                "{name} was taken"
            );
        }
    }
}
