//! What a job has come to: manifests for the ledger, entries for tasks that were given up, damage for the report.
use super::JobState;
use super::facts::Lookup;
use super::item::ItemState;
use super::status::{Decided, FinishStatus, Status};
use crate::footage::Footage;
use crate::frame_sets::skips;
use crate::task::{INGEST, TaskRef, Work};
use framefleet_frames::times::Times;
use framefleet_frames::{FrameFailure, FrameRange, Outcomes, item};
use framefleet_ledger::TaskKey;
use framefleet_proto::v1::{Entry, FrameTimes, StepManifest, TaskResult};
use std::collections::HashMap;

/// Finished tasks, in frame order.
pub(crate) type Results<'a> = Box<dyn Iterator<Item = TaskResult> + Send + 'a>;

/// What decoding came to in a pass: its tasks by item, then batch.
#[derive(Debug)]
pub(crate) struct Decoding {
    pass: usize,
    complete: bool,
    tasks: Vec<HashMap<usize, Decided>>,
}

impl Decoding {
    /// Its manifest, but for items and tasks.
    pub(crate) fn manifest(&self) -> StepManifest {
        StepManifest {
            step: if self.pass == 0 { INGEST.to_owned() } else { format!("{INGEST}-pass-{}", self.pass + 1) },
            stage: INGEST.to_owned(),
            complete: self.complete,
            ..StepManifest::default()
        }
    }
}

impl JobState {
    /// Finished tasks of a step on an item, in frame order.
    pub(crate) fn results(&self, step: usize, item: usize) -> Results<'_> {
        let footage = self.footage(item);
        let done = move |(group, status): (usize, &Status)| {
            let Status::Done(key, _) = status else { return None };
            let range = footage.task_range(step, group, &self.plan().range)?;
            Some(task_result(key, range, footage))
        };
        Box::new(self.items[item].statuses(step).iter().enumerate().filter_map(done))
    }

    /// The manifest of a step's results, but for its items and tasks.
    pub(crate) fn manifest(&self, step: usize) -> StepManifest {
        let plan = &self.plan().steps[step];
        let kinds = plan.process.iter().flat_map(|process| &process.makes).map(|kind| kind.as_str().to_owned());
        StepManifest {
            step: plan.name.clone(),
            stage: plan.stage.clone(),
            finish_key: self.finished_key(step).map(|key| key.as_bytes().to_vec().into()).unwrap_or_default(),
            complete: matches!(self.shared.finish(step), FinishStatus::Done(..)),
            kinds: kinds.collect(),
            ..StepManifest::default()
        }
    }

    /// What decoding came to in the pass that is running; it is taken out of the state.
    pub(crate) fn take_decoding(&mut self) -> Decoding {
        Decoding {
            pass: self.pass(),
            complete: self.drained() && self.shared.preview().is_none(),
            tasks: self.items.iter_mut().map(ItemState::take_decoding).collect(),
        }
    }

    /// Finished tasks of decoding on an item, in frame order.
    pub(crate) fn decoding_results<'a>(&'a self, decoding: &'a Decoding, item: usize) -> Results<'a> {
        let footage = self.footage(item);
        let task = move |batch: usize| {
            let (key, _) = decoding.tasks.get(item)?.get(&batch)?;
            let range = footage.batch_range(batch);
            (footage.count(&range) > 0).then(|| task_result(key, range, footage))
        };
        Box::new((0..footage.batches.len()).filter_map(task))
    }

    /// Items that could not be read to their end: (name, why).
    pub fn damage(&self) -> Vec<(String, String)> {
        let damaged = |footage: &Footage| Some((footage.item.name.clone(), footage.damage.clone()?));
        self.all_footage().filter_map(damaged).collect()
    }

    /// Entries of tasks that no worker does: where one was given up, every frame that was to be done has failed.
    pub fn entries_without_worker(&self, lookup: Lookup) -> Vec<(TaskRef, TaskKey, Entry)> {
        let tasks = self.failures.without_worker();
        tasks.filter_map(|(task, given_up)| self.entry_without_worker(task, given_up, lookup)).collect()
    }

    fn entry_without_worker(
        &self,
        task: TaskRef,
        given_up: Option<&(String, String)>,
        lookup: Lookup,
    ) -> Option<(TaskRef, TaskKey, Entry)> {
        let (key, range, frames, decided, (stage, version)) = match task.kind {
            Work::Ingest => {
                let footage = self.footage(task.item);
                let range = footage.batch_range(task.index);
                let (there, gone): (Vec<u64>, Vec<u64>) =
                    (range.start..range.end).partition(|frame| footage.is_there(*frame));
                let decided = Outcomes { failed: Vec::new(), skipped: skips(&gone, item::GONE) };
                (
                    self.view(task.item).ingest_key(task.index, lookup),
                    range,
                    there,
                    decided,
                    (INGEST, self.plan().ingest_version),
                )
            }
            Work::Process => {
                let (key, inputs) = self.process_work(task.step, task.item, task.index)?;
                let plan = &self.plan().steps[task.step];
                (key, inputs.range, inputs.frames, inputs.decided, (plan.stage.as_str(), plan.version))
            }
            Work::Index | Work::Finish => return None,
        };
        let (code, reason) = given_up.cloned().unwrap_or_default();
        let fail = |frame: u64| FrameFailure { frame, code: code.clone(), reason: reason.clone() };
        let Outcomes { mut skipped, .. } = decided;
        skipped.sort_by_key(|skip| skip.range.map(|range| range.start));
        let entry = Entry {
            key: key.as_bytes().to_vec().into(),
            id: Some(self.task_id(task, Some(range))),
            stage: stage.to_owned(),
            version,
            outcomes: Some(Outcomes { failed: frames.into_iter().map(fail).collect(), skipped }),
            ..Entry::default()
        };
        Some((task, key, entry))
    }
}

fn task_result(key: &TaskKey, range: FrameRange, footage: &Footage) -> TaskResult {
    TaskResult {
        key: key.as_bytes().to_vec().into(),
        times: Some(FrameTimes::from(&Times::new(&footage.range_pts_ns(&range)))),
        files: footage.files(&range).collect(),
        range: Some(range),
        item: 0,
    }
}
