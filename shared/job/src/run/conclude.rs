//! The end of a run: what failed, the report, job.json.
mod efficiency;

use super::{Measured, RunningJob};
use crate::bottleneck;
use crate::error::JobError;
use crate::outcome::{JobOutcome, OutcomeKind, Performance, in_short};
use crate::output::edits;
use crate::report;
use framefleet_frames::item::has_changed;
use framefleet_ledger::layout;
use framefleet_orchestration::{Ending, JobSummary};
use framefleet_records::{replay_command, write_failures};
use framefleet_report::JobFacts;
use framefleet_report::model::{JobHeader, Label, PlanSummary, State, Timing};
use std::num::NonZeroU64;

impl RunningJob {
    /// Writes failures.jsonl, report and job.json, and releases the output.
    pub(crate) async fn conclude(
        mut self,
        mut summary: JobSummary,
        measured: Measured,
    ) -> Result<JobOutcome, JobError> {
        let changed = changed_items(&summary);
        summary.damage.extend(changed);
        let manifests = self.ledger.manifests().await?;
        let refused = self.prepared.refused().to_vec();
        let items: Vec<(String, String)> = refused.iter().chain(&summary.damage).cloned().collect();
        let failures = write_failures(&self.ledger, &manifests, &items).await?;
        edits::file::follow(&self.ledger, &summary.edits.moved).await?;
        let mut left_out = self.prepared.left_out().clone();
        left_out.add_items(&summary.items);
        for manifest in &manifests {
            if let Some(bytes) = self.ledger.read_file(&layout::summary(&manifest.step)).await? {
                left_out.add_summary(&serde_json::from_slice(&bytes)?);
            }
        }
        let findings = bottleneck::findings(&self.prepared, &self.plan, &summary.progress, &measured);
        let Measured { machines, model_reports, utilisation, .. } = measured;
        let performance = Performance { machines, utilisation, findings };
        let outcome = JobOutcome::new(summary, (refused, left_out), failures, performance);
        report::draw(&self.ledger, self.source(), self.facts(&outcome)).await?;
        let request = self.prepared.request();
        self.job_file.end(&self.ledger, request, &self.plan, &outcome, &model_reports).await?;
        self.ledger.compact().await?;
        self.ledger.close().await?;
        Ok(outcome)
    }

    /// What the report says besides results.
    fn facts(&self, outcome: &JobOutcome) -> JobFacts {
        let (request, progress) = (self.prepared.request(), &outcome.summary.progress);
        let (state, message) = state(request.preview, outcome);
        let mut timings = vec![Timing { name: "this run".to_owned(), seconds: progress.elapsed.as_secs_f64() }];
        timings.extend(
            progress.first_result.map(|time| Timing { name: "first result".to_owned(), seconds: time.as_secs_f64() }),
        );
        let name = request.source.trim_end_matches('/').rsplit('/').next().unwrap_or(&request.source);
        let failed = progress.steps.iter().any(|step| step.failed > 0);
        let worked = progress.steps.iter().filter(|step| step.task_seconds > 0.0);
        JobFacts {
            job: JobHeader {
                name: name.to_owned(),
                source: request.source.clone(),
                created: self.job_file.started().replace('T', " ").replace('Z', " UTC"),
                state,
                message,
            },
            efficiency: efficiency::summary(outcome),
            plan: plan_summary(&self.plan),
            timings,
            task_seconds: worked.map(|step| (step.step.clone(), step.task_seconds)).collect(),
            replay: if failed { replay_command(self.ledger.output().url()) } else { String::new() },
            fields: self.job_file.fields().clone(),
            left_out: outcome.left_out.lines(),
        }
    }
}

/// Videos that are other files than when they were indexed: (name, what to do about it). Of each, what was read may be of two states.
fn changed_items(summary: &JobSummary) -> Vec<(String, String)> {
    let changed = summary.items.iter().filter(|item| has_changed(item));
    let problem = "the file changed while it was read, so its results may be of a part of it: once it is complete, \
                   run the job again with --fresh or with another --output";
    changed.map(|item| (item.name.clone(), problem.to_owned())).collect()
}

/// How far the job got, and in a sentence what that means.
fn state(preview: Option<NonZeroU64>, outcome: &JobOutcome) -> (State, String) {
    match (&outcome.summary.ending, preview, outcome.kind()) {
        (Ending::Stopped(reason), ..) => (State::Unfinished, reason.clone()),
        (Ending::Interrupted, ..) => {
            (State::Unfinished, "Interrupted; run the same command again to resume.".to_owned())
        }
        (_, Some(batches), _) => {
            (State::Unfinished, format!("A preview of {batches} batches; run without --preview for all of it."))
        }
        (_, None, OutcomeKind::Done) => (State::Complete, in_short(&outcome.summary.edits.lost)),
        _ => (State::Partial, in_short(&outcome.problems())),
    }
}

fn plan_summary(plan: &framefleet_pipeline::Plan) -> PlanSummary {
    let version = Label { name: "framefleet".to_owned(), value: env!("CARGO_PKG_VERSION").to_owned() };
    PlanSummary { versions: vec![version], ..PlanSummary::from(plan) }
}
