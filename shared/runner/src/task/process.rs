//! Process tasks: the process half of a step on a batch. When the stage fails, the frames to blame are found and left out.
use super::{TaskCall, TaskContext, commit};
use crate::blobs::BlobTarget;
use crate::cores::guarded;
use crate::failure::TaskFailure;
use crate::inputs;
use crate::isolation::IsolatedProcess;
use crate::locate::{Located, locate};
use crate::made_frames::MadeFrameSink;
use crate::usage::Usage;
use framefleet_frames::outcomes::without_result;
use framefleet_frames::{MadeFrames, Outcomes};
use framefleet_proto::v1::{Done, Entry, PartKind, ProcessWork, Task};
use framefleet_stage::{Batch, Job, LoadedStage, Outputs, TaskOutput};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A call of a stage's `process` with everything it reads.
pub(super) struct ProcessCall {
    stage: Arc<dyn LoadedStage>,
    loading: Duration,
    job: Job,
    batch: Batch,
    /// Frames of the window that the stage reads, ascending.
    visible: Vec<u64>,
    scratch: TempDir,
    /// What the step makes of full frames, and where that goes.
    rule: Option<MadeFrames>,
    target: BlobTarget,
    /// The process in which attempts are made first, and the task that it is given.
    quarantine: Option<(IsolatedProcess, Task)>,
}

/// What a stage made in a run of its process half.
#[derive(Default)]
pub(super) struct ProcessOutput {
    output: TaskOutput,
    /// The frames, on their way into a blob.
    frames: Option<MadeFrameSink>,
}

impl TaskCall for ProcessCall {
    type Work = ProcessWork;
    type Output = ProcessOutput;

    async fn prepare(task: &TaskContext<'_>, work: &ProcessWork) -> Result<Self, TaskFailure> {
        let batch = inputs::batch(task.task, work, &task.ledger, task.context.blobs().as_ref()).await?;
        let scoped = inputs::scoped(&work.job_scoped, Some((batch.item(), batch.window())), &task.ledger).await?;
        let scratch = task.context.scratch()?;
        let job = Job {
            step: task.step(),
            items: vec![batch.item().clone()],
            seed: task.task.seed,
            scoped,
            edits: Vec::new(),
            makers: task.task.makers.clone(),
            audio: inputs::audio(work.audio),
            scratch: scratch.path().to_owned(),
        };
        let (stage, loading) = task.stage().await?;
        Ok(Self {
            stage,
            loading,
            job,
            batch,
            visible: work.visible.iter().flat_map(|range| range.start..range.end).collect(),
            scratch,
            rule: work.made.clone(),
            target: BlobTarget::new(task.context.blobs(), format!("{}-made", task.context.blob_key(task.task))),
            quarantine: task.quarantine.clone().map(|isolated| (isolated, task.task.clone())),
        })
    }

    fn loading(&self) -> Duration {
        self.loading
    }

    /// Frames that the stage makes are checked and stored as they come.
    fn run(&self, absent: &[u64]) -> Result<ProcessOutput, TaskFailure> {
        let batch = if absent.is_empty() { self.batch.clone() } else { self.batch.without(absent) };
        let mut frames = MadeFrameSink::new(self.rule.as_ref(), &self.job, &self.batch, self.target.clone());
        let mut out = Outputs::with_frames_into(&mut frames, self.scratch.path());
        guarded(|| self.stage.process(&self.job, &batch, &mut out))?;
        let mut output = out.into_output();
        output.outcomes.failed.extend(frames.close()?);
        Ok(ProcessOutput { output, frames: Some(frames) })
    }

    async fn complete(self, task: &TaskContext<'_>, work: &ProcessWork) -> Result<Option<Done>, TaskFailure> {
        let (ran, usage) = task.compute(move || (self.run_located(), self.scratch)).await;
        // The files lie in the scratch folder until they are committed.
        let (located, _scratch) = ran?;
        let located = located?;
        let mut decided = work.decided.clone().unwrap_or_default();
        decided.failed.extend(located.blamed.into_iter().filter(|failure| work.frames.contains(&failure.frame)));
        commit_output(task, work, located.made, decided, usage).await.map(Some)
    }
}

impl ProcessCall {
    /// Runs the stage; when it fails, finds the frames that are to blame and runs it without them.
    fn run_located(&self) -> Result<Located<ProcessOutput>, TaskFailure> {
        let failure = match self.attempt(&[]) {
            Ok(made) => return Ok(Located { made, blamed: Vec::new() }),
            Err(failure) if failure.can_be_located() => failure,
            Err(failure) => return Err(failure),
        };
        match locate(&self.visible, failure, |absent| self.attempt(absent)) {
            // The stage fails whatever it is given: no frame of the batch can have a result.
            Err(failure) if failure.can_be_located() => Ok(Located {
                made: ProcessOutput::default(),
                blamed: self.batch.frames().iter().map(|&frame| commit::blame(frame, &failure)).collect(),
            }),
            located => located,
        }
    }

    /// Runs the stage, in quarantine after a dry run in a process of its own.
    fn attempt(&self, absent: &[u64]) -> Result<ProcessOutput, TaskFailure> {
        if let Some((isolated, task)) = &self.quarantine {
            isolated.dry_run(task, absent)?;
        }
        self.run(absent)
    }
}

/// A process task of whose frames none is left for the stage: their outcomes are decided.
pub(super) struct EmptyCall;

impl TaskCall for EmptyCall {
    type Work = ProcessWork;
    type Output = ();

    async fn prepare(_task: &TaskContext<'_>, _work: &ProcessWork) -> Result<Self, TaskFailure> {
        Ok(Self)
    }

    fn run(&self, _absent: &[u64]) -> Result<(), TaskFailure> {
        Ok(())
    }

    async fn complete(self, task: &TaskContext<'_>, work: &ProcessWork) -> Result<Option<Done>, TaskFailure> {
        let decided = work.decided.clone().unwrap_or_default();
        commit_output(task, work, ProcessOutput::default(), decided, Usage::default()).await.map(Some)
    }
}

/// Commits the results of a process task, and makes readable the frames it made.
async fn commit_output(
    task: &TaskContext<'_>,
    work: &ProcessWork,
    ProcessOutput { output, frames }: ProcessOutput,
    decided: Outcomes,
    usage: Usage,
) -> Result<Done, TaskFailure> {
    let mut outcomes = decided;
    outcomes.failed.extend(output.outcomes.failed);
    outcomes.skipped.extend(output.outcomes.skipped);
    outcomes.failed.sort_by_key(|failure| failure.frame);
    outcomes.skipped.sort_by_key(|skip| skip.range.map(|range| range.start));
    let without = without_result(&outcomes);
    let frames_done = work.frames.iter().filter(|frame| !without.contains(frame)).count() as u64;
    let mut annotations = output.annotations;
    annotations.frames.retain(|of| work.frames.contains(&of.frame) && !without.contains(&of.frame));
    let made = frames.map_or_else(|| Ok(Vec::new()), |frames| frames.finish(&without))?;
    let item = task.task.item.as_ref().ok_or_else(|| TaskFailure::malformed("an item"))?;
    let mut files = commit::files(output.artifacts, PartKind::Artifact, &commit::item_folder(item));
    files.extend(commit::files(output.attachments, PartKind::Attachment, ""));
    let entry = Entry { outcomes: Some(outcomes), frames_done, stage_seconds: usage.wall, ..commit::entry(task) };
    let entry = task.ledger.commit(entry, annotations, files).await?;
    Ok(Done { made, ..commit::done(&entry, usage) })
}
