//! Finish tasks: the finish half of a step, once over all of its records.
use super::{TaskCall, TaskContext, commit};
use crate::cores::guarded;
use crate::failure::TaskFailure;
use crate::inputs;
use crate::records::LedgerRecords;
use framefleet_proto::v1::{Done, Entry, FinishWork, PartKind, StepManifest};
use framefleet_stage::{Job, LoadedStage, Outputs, TaskOutput};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A call of a stage's `finish` with everything it reads.
pub(super) struct FinishCall {
    stage: Arc<dyn LoadedStage>,
    loading: Duration,
    job: Job,
    records: LedgerRecords,
    scratch: TempDir,
}

impl TaskCall for FinishCall {
    type Work = FinishWork;
    type Output = TaskOutput;

    async fn prepare(task: &TaskContext<'_>, work: &FinishWork) -> Result<Self, TaskFailure> {
        let scratch = task.context.scratch()?;
        let head = StepManifest {
            step: task.step(),
            stage: task.task.stage.clone(),
            items: work.items.clone(),
            tasks: work.tasks.clone(),
            ..StepManifest::default()
        };
        let manifest = task.ledger.open_manifest(head).await?;
        let job = Job {
            step: task.step(),
            items: manifest.items().cloned().collect(),
            seed: task.task.seed,
            scoped: inputs::scoped(&work.job_scoped, None, &task.ledger).await?,
            edits: inputs::edits(work, &task.ledger).await?,
            makers: task.task.makers.clone(),
            audio: inputs::audio(work.audio),
            scratch: scratch.path().to_owned(),
        };
        let records = LedgerRecords::new(task.ledger.clone(), manifest);
        let (stage, loading) = task.stage().await?;
        Ok(Self { stage, loading, job, records, scratch })
    }

    fn loading(&self) -> Duration {
        self.loading
    }

    fn run(&self, _absent: &[u64]) -> Result<TaskOutput, TaskFailure> {
        let mut out = Outputs::new(self.scratch.path());
        guarded(|| self.stage.finish(&self.job, &self.records, &mut out))?;
        Ok(out.into_output())
    }

    async fn complete(self, task: &TaskContext<'_>, _work: &FinishWork) -> Result<Option<Done>, TaskFailure> {
        let (ran, usage) = task.compute(move || (self.run(&[]), self.scratch)).await;
        // The files lie in the scratch folder until they are committed.
        let (output, _scratch) = ran?;
        let output = output?;
        let entry = Entry { stage_seconds: usage.wall, kinds: kinds(&output), ..commit::entry(task) };
        let files = commit::files(output.artifacts, PartKind::Artifact, "");
        let entry = task.ledger.commit(entry, output.annotations, files).await?;
        Ok(Some(Done { kinds: entry.kinds.clone(), ..usage.done() }))
    }
}

/// The kinds of job-scoped annotations, in order.
fn kinds(output: &TaskOutput) -> Vec<String> {
    let annotations = output.annotations.scoped.iter().filter_map(|scoped| scoped.annotation.as_ref());
    let kinds: BTreeSet<&str> = annotations.map(framefleet_frames::annotation::kind_name).collect();
    kinds.into_iter().map(str::to_owned).collect()
}
