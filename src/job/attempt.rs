//! One attempt at a job. What an earlier attempt finished is found in the record, the bucket or the spool.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;

use super::{
    Blame, Job, JobError, JobRecord, JobSource, JobSpool, JobState, Prepared, RecordingFacts, Reprocess, Service,
    SessionFacts, Timings,
    compose::{Making, make},
    output::OutputFolder,
    preflight::preflight,
    prepare::prepare_dumps,
    report::Stages,
    run::{Begin, DumpTrust, Failures, Made, RunRequest, journal},
    service::now,
    target::{Existing, Target, adopted, file_name, is_same, local_file, place, recipe, rendered},
    trial::try_apart,
    usage::Meter,
};
use crate::{
    composition::Plan,
    dump::probe::{Depth, DumpKey},
    media::WallTime,
    storage::{Bucket, Fault, ObjectKey, UploadJournal},
};

/// One attempt at a job.
pub(super) struct Attempt<'a> {
    pub service: &'a Service,
    pub job: &'a Job,
    pub request: &'a RunRequest,
    pub spool: &'a JobSpool,
    /// Known once the manifest is read.
    pub session: Option<SessionFacts>,
    /// What an earlier run left.
    pub before: Option<JobRecord>,
    /// What rendering took.
    pub timings: Option<Timings>,
}

/// A finished file of the spool, remembered beside it.
#[derive(Debug, Serialize, Deserialize)]
struct Finished {
    recording: RecordingFacts,
    file: String,
}

impl Attempt<'_> {
    /// Brings the job to its end, or says what keeps it from there.
    pub async fn go(&mut self, begin: Begin<'_>) -> Result<(JobRecord, Made), JobError> {
        let bucket = Bucket::of(&self.job.destination).await;
        if let Some(done) = self.recall(&bucket).await? {
            return Ok(done);
        }
        let source = JobSource::open(&self.job.place(), &self.service.settings.sources).await?;
        let session = SessionFacts::of(&source.parsed.manifest, self.job.template.as_deref());
        self.session = Some(session.clone());
        session.show_in_log();
        let request = self.service.request(self.job)?;
        self.preflight(&session).await?;

        let mut meter = Meter::start();
        let mut prepared = self.prepare(source).await?;
        tokio::task::block_in_place(|| prepared.listen(self.request.threads, &self.request.cancelled))?;
        let plan = prepared.plan(&request)?;
        let target = self.target(&session, &plan, &bucket).await?;
        if let Some(recording) = adopted(&plan, &target, &prepared) {
            return Ok((self.delivered(session, recording, &bucket).await?, Made::Nothing));
        }
        let stages = Stages {
            prepare: meter.lap(),
            ..Stages::default()
        };
        let (finished, made) = match self.finished(&plan.hash) {
            Some(finished) => (finished, Made::Delivered),
            None => (self.render(prepared, &plan, &target, stages, begin)?, Made::Rendered),
        };
        if let Existing::Unknown(facts) = &target.existing
            && self.job.reprocess != Some(Reprocess::Replace)
            && !is_same(facts, &finished.recording)
        {
            return Err(JobError::OtherPlan {
                uri: bucket.uri(&target.key),
            });
        }
        self.deliver(session, finished, &bucket)
            .await
            .map(|record| (record, made))
    }

    /// What the record of an earlier run makes unnecessary.
    async fn recall(&mut self, bucket: &Bucket) -> Result<Option<(JobRecord, Made)>, JobError> {
        let Some(record) = self.before.clone().filter(|record| record.recipe == recipe(self.job)) else {
            return Ok(None);
        };
        let Some(recording) = record.recording.clone() else {
            return Ok(None);
        };
        match record.state {
            JobState::Delivered if record.destination == place(&self.job.destination) => {
                let there = bucket.head(&recording.key).await.ok().flatten();
                if there.is_none_or(|facts| !is_same(&facts, &recording)) {
                    return Ok(None);
                }
                self.service.announce_success(self.job, &record, bucket).await?;
                Ok(Some((record, Made::Nothing)))
            }
            JobState::Parked => {
                let Some(parked) = recording.parked.clone() else {
                    return Ok(None);
                };
                let Some(session) = record.session.clone() else {
                    return Ok(None);
                };
                self.session = Some(session.clone());
                self.preflight(&session).await?;
                let file = file_name(&recording.key);
                self.service.store.unpark(&parked, &self.spool.file(&file)).await?;
                let key = self.key(&session, recording.started_at, recording.variant.as_deref())?;
                let finished = Finished {
                    recording: RecordingFacts { key, ..recording },
                    file,
                };
                let record = self.deliver(session, finished, bucket).await?;
                self.service.store.forget_parked(&parked).await?;
                Ok(Some((record, Made::Delivered)))
            }
            JobState::Delivered | JobState::Failed => Ok(None),
        }
    }

    async fn preflight(&self, session: &SessionFacts) -> Result<(), JobError> {
        let journal = journal(self.spool);
        tokio::select! {
            result = preflight(self.job, session, &journal) => result,
            () = self.cancelled() => Err(JobError::Cancelled),
        }
    }

    /// Pulls and probes the dumps, each as soon as it is there.
    async fn prepare(&self, source: JobSource) -> Result<Prepared, JobError> {
        let pulled = source.pull(self.spool).await?;
        let (flag, stopper) = (Arc::clone(&self.request.cancelled), Arc::clone(&pulled));
        let watcher = tokio::spawn(async move {
            while !flag.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            stopper.stop();
        });
        let prepared = tokio::task::block_in_place(|| {
            let tracks = source.parsed.manifest.tracks.clone();
            let find = |key: DumpKey, _: &str| {
                let path = pulled.wait_for(key)?;
                if self.request.dumps == DumpTrust::TryEach {
                    let track = &tracks[key.track];
                    try_apart(&path, track, &track.dumps[key.dump])?;
                }
                Ok(path)
            };
            prepare_dumps(source.name.clone().into(), source.parsed, &find, Depth::Packets)
        });
        watcher.abort();
        if self.request.cancelled.load(Ordering::Relaxed) {
            return Err(JobError::Cancelled);
        }
        match pulled.failure() {
            Some(error) => Err(JobError::Source(error)),
            None => Ok(prepared),
        }
    }

    /// Under which key the recording is to lie, and what lies there.
    async fn target(&self, session: &SessionFacts, plan: &Plan, bucket: &Bucket) -> Result<Target, JobError> {
        let before = self.before.as_ref().and_then(|record| record.recording.as_ref());
        let plain = Target::look(self.key(session, plan.started_at, None)?, None, plan, bucket)
            .await?
            .remembered(before, plan);
        match (&plain.existing, self.job.reprocess) {
            (Existing::Nothing | Existing::SamePlan(_), _) | (_, Some(Reprocess::Replace)) => Ok(plain),
            (_, Some(Reprocess::NewKey)) => {
                let variant = plan.hash.chars().take(8).collect::<String>();
                Target::look(
                    self.key(session, plan.started_at, Some(&variant))?,
                    Some(variant),
                    plan,
                    bucket,
                )
                .await
            }
            (Existing::Unknown(_), None) => Ok(plain),
            (Existing::OtherPlan, None) => Err(JobError::OtherPlan {
                uri: bucket.uri(&plain.key),
            }),
        }
    }

    fn key(&self, session: &SessionFacts, started_at: WallTime, variant: Option<&str>) -> Result<ObjectKey, JobError> {
        session
            .keys(self.job.destination.prefix(), started_at)
            .composite(variant)
            .map_err(JobError::Key)
    }

    /// The file that an earlier attempt at the same plan finished.
    fn finished(&self, plan_hash: &str) -> Option<Finished> {
        let text = std::fs::read(self.spool.file("finished.json")).ok()?;
        let finished: Finished = serde_json::from_slice(&text).ok()?;
        let size = std::fs::metadata(self.spool.file(&finished.file)).ok()?.len();
        (finished.recording.plan_hash == plan_hash && size == finished.recording.size).then_some(finished)
    }

    fn render(
        &mut self,
        prepared: Prepared,
        plan: &Plan,
        target: &Target,
        stages: Stages,
        begin: Begin<'_>,
    ) -> Result<Finished, JobError> {
        let folder = OutputFolder::lasting(self.spool.file(""), self.spool.work()?);
        let name = file_name(&target.key);
        let watch = begin(plan);
        let making = Making {
            folder: &folder,
            name: &name,
            threads: self.request.threads,
            fonts: &self.service.settings.fonts,
            stages,
        };
        let report = tokio::task::block_in_place(|| make(prepared, plan, making, watch.as_ref()))?;
        let finished = Finished {
            recording: rendered(&report, target),
            file: name,
        };
        self.timings = Some(report.timings);
        folder.write_document("job-report.json", &report)?;
        folder.write_document("finished.json", &finished)?;
        Ok(finished)
    }

    /// Brings a finished file to its destination, or into the store if the destination does not take it.
    async fn deliver(&self, session: SessionFacts, finished: Finished, bucket: &Bucket) -> Result<JobRecord, JobError> {
        let Finished { recording, file } = finished;
        let local = local_file(self.spool, &file, &recording);
        let journal = journal(self.spool);
        let upload = bucket.upload(&local, &recording.key, &journal);
        let uploaded = tokio::select! {
            result = upload => result,
            () = self.cancelled() => return Err(JobError::Cancelled),
        };
        let Err(error) = uploaded else {
            return self.delivered(session, recording, bucket).await;
        };
        if matches!(error.fault, Fault::Local(_)) && matches!(bucket, Bucket::S3(_)) {
            let error_io = std::io::Error::other(error.fault.to_string());
            return Err(JobError::Spool {
                path: self.spool.file(&file),
                error: error_io,
            });
        }
        let parked = self
            .service
            .store
            .park(
                &self.job.job_id,
                &local,
                &UploadJournal::at(self.spool.file("park.json")),
            )
            .await?;
        let recording = RecordingFacts {
            uri: None,
            parked: Some(parked),
            ..recording
        };
        let record = self.record(
            JobState::Parked,
            Some(session),
            Some(recording),
            Some(error.to_string()),
        );
        self.service.store.keep_record(&record).await?;
        self.keep_report(record.recording.as_ref()).await?;
        warn!("the destination refused the recording, which waits in the store: {error}");
        Err(JobError::Parked {
            job: self.job.job_id.clone(),
            error,
        })
    }

    /// The recording is in its place: webhooks first, so that a job that counts as done has them.
    async fn delivered(
        &self,
        session: SessionFacts,
        recording: RecordingFacts,
        bucket: &Bucket,
    ) -> Result<JobRecord, JobError> {
        let recording = RecordingFacts {
            uri: Some(bucket.uri(&recording.key)),
            parked: None,
            ..recording
        };
        let record = self.record(JobState::Delivered, Some(session), Some(recording), None);
        self.keep_report(record.recording.as_ref()).await?;
        self.service.announce_success(self.job, &record, bucket).await?;
        self.service.store.keep_record(&record).await?;
        Ok(record)
    }

    /// Takes down a failure and tells of it. Nothing is known of a session that could not be read.
    pub async fn failed(&self, error: &JobError) -> Result<Option<JobRecord>, JobError> {
        let told = match error.blame() {
            Blame::Nobody => false,
            Blame::Us => self.request.failures == Failures::Announce,
            Blame::Caller | Blame::Destination | Blame::Input => true,
        };
        if !told {
            return Ok(None);
        }
        let parked = matches!(error, JobError::Parked { .. });
        // the record of a recording that exists is worth more than that of a failure
        let kept = match self.service.store.record(&self.job.job_id).await? {
            Some(record) if parked || record.state != JobState::Failed && record.recording.is_some() => record,
            Some(_) | None => {
                let record = self.record(JobState::Failed, self.session.clone(), None, Some(error.to_string()));
                self.service.store.keep_record(&record).await?;
                record
            }
        };
        let asked = JobRecord {
            recipe: recipe(self.job),
            destination: place(&self.job.destination),
            ..kept
        };
        self.service.announce_failure(self.job, &asked, error).await?;
        Ok(Some(asked))
    }

    fn record(
        &self,
        state: JobState,
        session: Option<SessionFacts>,
        recording: Option<RecordingFacts>,
        error: Option<String>,
    ) -> JobRecord {
        let now = now();
        JobRecord {
            version: 1,
            job_id: self.job.job_id.clone(),
            state,
            recipe: recipe(self.job),
            destination: place(&self.job.destination),
            session,
            recording,
            error,
            created_at: self.before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
        }
    }

    /// The report of the rendering, if this attempt or an earlier one rendered.
    async fn keep_report(&self, recording: Option<&RecordingFacts>) -> Result<(), JobError> {
        let Ok(text) = std::fs::read(self.spool.file("job-report.json")) else {
            return Ok(());
        };
        let Ok(mut report) = serde_json::from_slice::<serde_json::Value>(&text) else {
            return Ok(());
        };
        report["job_id"] = json!(self.job.job_id);
        if let Some(recording) = recording {
            // where it was in the spool means nothing to anybody
            report["assets"][0]["path"] = json!(recording.uri);
            report["assets"][0]["file"] = json!(recording.key);
        }
        self.service.store.keep_report(&self.job.job_id, &report).await
    }

    async fn cancelled(&self) {
        while !self.request.cancelled.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
