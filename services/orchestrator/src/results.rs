//! What a job has come to: manifests for the ledger, entries for tasks that were given up, damage for the report.
use crate::footage::Footage;
use crate::keys::skips;
use crate::messages::INGEST;
use crate::state::{FinishStatus, JobState, Lookup, Status};
use crate::task::{TaskRef, Work};
use framefleet_ledger::TaskKey;
use framefleet_media::{FrameFailure, FrameRange, Outcomes, item};
use framefleet_proto::v1::{Entry, ItemTasks, StepManifest, TaskResult};

impl JobState {
    /// Finished tasks of a step on an item, in frame order.
    pub(crate) fn tasks_of_item(&self, step: usize, item: usize) -> ItemTasks {
        let footage = &self.footage[item];
        let done = |(group, status): (usize, &Status)| {
            let Status::Done(key, _) = status else { return None };
            let range = footage.task_range(step, group, &self.plan.range)?;
            Some(task_result(key, range, footage))
        };
        let tasks = self.process[step][item].iter().enumerate().filter_map(done).collect();
        ItemTasks { item: Some(footage.item.clone()), tasks }
    }

    /// The results of a step.
    pub fn manifest(&self, step: usize) -> StepManifest {
        let plan = &self.plan.steps[step];
        let kinds = plan.process.iter().flat_map(|process| &process.makes).map(|kind| kind.as_str().to_owned());
        StepManifest {
            step: plan.name.clone(),
            stage: plan.stage.clone(),
            items: self.item_tasks(step),
            finish_key: self.finished_key(step).map(|key| key.as_bytes().to_vec().into()).unwrap_or_default(),
            complete: matches!(self.finish[step], FinishStatus::Done(..)),
            kinds: kinds.collect(),
        }
    }

    /// The results of decoding in the pass that is running.
    pub fn ingest_manifest(&self) -> StepManifest {
        let items = self.footage.iter().enumerate().map(|(item, footage)| {
            let task = |batch: usize| {
                let (key, _) = self.ingest.get(&(item, batch))?;
                let range = footage.batch_range(batch);
                (footage.count(&range) > 0).then(|| task_result(key, range, footage))
            };
            ItemTasks { item: Some(footage.item.clone()), tasks: (0..footage.batches.len()).filter_map(task).collect() }
        });
        let step = if self.pass == 0 { INGEST.to_owned() } else { format!("{INGEST}-pass-{}", self.pass + 1) };
        StepManifest {
            step,
            stage: INGEST.to_owned(),
            items: items.collect(),
            complete: self.drained() && self.options.preview.is_none(),
            ..StepManifest::default()
        }
    }

    /// The key of a step's finish, once it is done.
    pub(crate) fn finished_key(&self, step: usize) -> Option<TaskKey> {
        match &self.finish[step] {
            FinishStatus::Done(key, _) => Some(*key),
            _ => None,
        }
    }

    /// The key of a step's finish that is to be done.
    pub(crate) fn missing_finish(&self, step: usize) -> Option<TaskKey> {
        match &self.finish[step] {
            FinishStatus::Missing(key) => Some(*key),
            _ => None,
        }
    }

    /// Why a step's finish failed.
    pub fn finish_failure(&self, step: usize) -> Option<&str> {
        match &self.finish[step] {
            FinishStatus::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// Items that could not be read to their end: (name, why).
    pub fn damage(&self) -> Vec<(String, String)> {
        let damaged = |footage: &Footage| Some((footage.item.name.clone(), footage.damage.clone()?));
        self.footage.iter().filter_map(damaged).collect()
    }

    /// Entries for tasks that were given up: every frame that was to be done has failed.
    pub fn condemned_entries(&self, lookup: Lookup) -> Vec<(TaskRef, TaskKey, Entry)> {
        self.condemned
            .iter()
            .filter_map(|(task, (code, reason))| self.condemned_entry(*task, code, reason, lookup))
            .collect()
    }

    fn condemned_entry(
        &self,
        task: TaskRef,
        code: &str,
        reason: &str,
        lookup: Lookup,
    ) -> Option<(TaskRef, TaskKey, Entry)> {
        let (key, range, frames, decided, stage) = match task.kind {
            Work::Ingest => {
                let footage = &self.footage[task.item];
                let range = footage.batch_range(task.index);
                let (there, gone): (Vec<u64>, Vec<u64>) =
                    (range.start..range.end).partition(|frame| footage.is_there(*frame));
                let decided = Outcomes { failed: Vec::new(), skipped: skips(&gone, item::GONE) };
                (self.ingest_key(task.item, task.index, lookup), range, there, decided, INGEST.to_owned())
            }
            Work::Process => {
                let (key, inputs) = self.process_work(task.step, task.item, task.index)?;
                (key, inputs.range, inputs.frames, inputs.decided, self.plan.steps[task.step].stage.clone())
            }
            Work::Index | Work::Finish => return None,
        };
        let fail = |frame: u64| FrameFailure { frame, code: code.to_owned(), reason: reason.to_owned() };
        let outcomes = Outcomes { failed: frames.into_iter().map(fail).collect(), ..decided };
        let id = self.task_id(task, Some(range));
        let key_bytes = key.as_bytes().to_vec().into();
        Some((task, key, Entry { key: key_bytes, id: Some(id), stage, outcomes: Some(outcomes), ..Entry::default() }))
    }
}

fn task_result(key: &TaskKey, range: FrameRange, footage: &Footage) -> TaskResult {
    TaskResult {
        key: key.as_bytes().to_vec().into(),
        pts_ns: footage.range_pts_ns(&range),
        files: footage.files(&range).cloned().collect(),
        range: Some(range),
    }
}
