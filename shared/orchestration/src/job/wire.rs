//! Tasks and events on the wire.
use super::JobState;
use super::admission::RENDITIONS;
use super::facts::{Fact, Lookup};
use super::item::ItemState;
use crate::batch::Batch;
use crate::task::{INGEST, TaskRef, Work};
use framefleet_bus::Subject;
use framefleet_frames::times::Times;
use framefleet_frames::{BatchInfo, FrameRange, Item, Rendition, item};
use framefleet_ledger::TaskKey;
use framefleet_pipeline::{Half, PlannedFile, PlannedModel};
use framefleet_proto::v1::{
    AnnotationsRef, Event, FailureKind, FinishWork, IndexWork, Indexed, IngestWork, ProcessWork, Task, TaskFile,
    TaskId, TaskModel, event::Kind as EventKind, task::Work as WireWork,
};

impl JobState {
    /// The task as a worker is handed it; `None` when it is not to be done any more.
    pub fn message(&self, job: &str, task: TaskRef, lookup: Lookup) -> Option<Task> {
        let attempt = self.failures.attempts(task);
        let mut message = Task { job: job.to_owned(), attempt, seed: self.plan().seed, ..Task::default() };
        let (range, key, work) = match task.kind {
            Work::Index => (None, None, self.index_work(task)),
            Work::Ingest => {
                let known = self.items[task.item].decoded_key(task.index);
                let key = known.unwrap_or_else(|| self.view(task.item).ingest_key(task.index, lookup));
                (Some(self.footage(task.item).batch_range(task.index)), Some(key), self.ingest_work(task)?)
            }
            Work::Process => {
                let (key, inputs) = self.process_work(task.step, task.item, task.index)?;
                let footage = self.footage(task.item);
                let work = ProcessWork {
                    window: Some(inputs.window),
                    window_times: Some((&Times::new(&footage.range_pts_ns(&inputs.window))).into()),
                    pixels: self.pixels(task.step, task.item, &inputs)?,
                    visible: inputs.visible,
                    frames: inputs.frames,
                    annotations: inputs.annotations,
                    job_scoped: inputs.job_scoped,
                    decided: Some(inputs.decided),
                    made: self.plan().steps[task.step].made.clone(),
                    audio: self.plan().steps[task.step].process.as_ref().is_some_and(|half| half.side_inputs.audio),
                };
                (Some(inputs.range), Some(key), WireWork::Process(work))
            }
            Work::Finish => {
                (None, Some(self.missing_finish(task.step)?), WireWork::Finish(self.finish_work(task.step)))
            }
        };
        match task.kind {
            Work::Index | Work::Ingest => {
                message.stage = INGEST.to_owned();
                message.version = self.plan().ingest_version;
                message.settings = serde_json::Value::Object(self.plan().ingest.clone()).to_string();
            }
            Work::Process | Work::Finish => {
                let step = &self.plan().steps[task.step];
                message.stage = step.stage.clone();
                message.version = step.version;
                let half = if task.kind == Work::Process { Half::Process } else { Half::Finish };
                message.models = step.models_of(half).map(on_the_wire).collect();
                message.named_files = step.files_of(half).map(file_on_the_wire).collect();
                message.makers = self.plan().makers(task.step);
                message.settings = serde_json::Value::Object(step.settings_of(half)).to_string();
            }
        }
        message.item = match (task.kind, &work) {
            (Work::Finish, _) => None,
            (_, WireWork::Process(work)) => Some(self.item_of(task.item, &work.window.unwrap_or_default())),
            (Work::Ingest, _) => Some(self.item_of(task.item, &range.unwrap_or_default())),
            _ => Some(self.footage(task.item).item.clone()),
        };
        if task.kind == Work::Index {
            message.files = self.footage(task.item).files_listed.clone();
        }
        message.id = Some(self.task_id(task, range));
        message.key = key.map(|key| key.as_bytes().to_vec().into()).unwrap_or_default();
        message.work = Some(work);
        Some(message)
    }

    /// An item with the files of a range.
    fn item_of(&self, item: usize, range: &FrameRange) -> Item {
        let footage = self.footage(item);
        item::with_files(&footage.item, footage.files(range).collect())
    }

    /// Where workers wait for a task: at the queue of its stage and execution class.
    pub(crate) fn subject(&self, task: TaskRef) -> Subject {
        let class = match task.kind {
            Work::Index | Work::Ingest => &self.plan().class,
            Work::Process | Work::Finish => self.plan().class_of(task.step),
        };
        Subject::task(self.stage(task), class)
    }

    /// The queue of a step's process half; of ingest behind the last step.
    pub(crate) fn queue(&self, step: usize) -> Subject {
        self.subject(match step < self.plan().steps.len() {
            true => TaskRef::process(self.pass(), step, 0, 0),
            false => TaskRef::ingest(self.pass(), 0, 0),
        })
    }

    /// The stage whose workers do a task.
    pub(crate) fn stage(&self, task: TaskRef) -> &str {
        match task.kind {
            Work::Index | Work::Ingest => INGEST,
            Work::Process | Work::Finish => &self.plan().steps[task.step].stage,
        }
    }

    /// The step that a task belongs to.
    pub(crate) fn step_name(&self, task: TaskRef) -> &str {
        match task.kind {
            Work::Index | Work::Ingest => INGEST,
            Work::Process | Work::Finish => &self.plan().steps[task.step].name,
        }
    }

    /// The name of a task on the wire.
    pub(crate) fn task_id(&self, task: TaskRef, range: Option<FrameRange>) -> TaskId {
        let (step, group) = match task.kind {
            Work::Index | Work::Ingest => (INGEST, 1),
            Work::Process | Work::Finish => {
                let group = if task.kind == Work::Process { self.view(task.item).group(task.step) } else { 1 };
                (self.plan().steps[task.step].name.as_str(), group)
            }
        };
        let item = if task.kind == Work::Finish { "" } else { self.footage(task.item).item.name.as_str() };
        TaskId {
            kind: task.wire_kind(group) as i32,
            pass: task.pass as u32,
            step: step.to_owned(),
            item: item.to_owned(),
            range,
        }
    }

    fn index_work(&self, task: TaskRef) -> WireWork {
        let footage = self.footage(task.item);
        WireWork::Index(IndexWork { batch_frames: footage.batch_frames as u32 })
    }

    fn ingest_work(&self, task: TaskRef) -> Option<WireWork> {
        let footage = self.footage(task.item);
        let batch = footage.batches.get(task.index)?.info();
        let [proxy, full] = RENDITIONS.map(|rendition: Rendition| {
            let mut wanted = self.view(task.item).wanted(task.index, rendition);
            wanted.retain(|frame| footage.is_there(*frame));
            wanted
        });
        Some(WireWork::Ingest(IngestWork { batch: Some(batch), proxy, full }))
    }

    /// What a finish is given, but for its documents.
    fn finish_work(&self, step: usize) -> FinishWork {
        let providers =
            self.plan().steps[step].finish.providers.iter().filter(|provider| provider.half == Half::Finish);
        let job_scoped = providers.filter_map(|provider| {
            Some(AnnotationsRef {
                step: self.plan().steps[provider.step].name.clone(),
                key: self.finished_key(provider.step)?.as_bytes().to_vec().into(),
                kinds: vec![provider.kind.as_str().to_owned()],
            })
        });
        FinishWork {
            job_scoped: job_scoped.collect(),
            audio: self.plan().steps[step].finish.side_inputs.audio,
            ..FinishWork::default()
        }
    }

    /// What an event reports, in the state's terms. `None` when it is of no task of this job.
    pub fn fact(&self, event: &Event) -> Option<(TaskRef, Option<Fact>)> {
        let task = self.task_ref(event.id.as_ref()?)?;
        let key = || TaskKey::from_bytes(&event.key).ok();
        let fact = match event.kind.as_ref()? {
            EventKind::Indexed(indexed) => Some(indexed_fact(task.item, indexed.clone())),
            EventKind::Done(done) => Some(Fact::Done { task, key: key()?, made: done.made.clone() }),
            EventKind::Failed(failed) if failed.kind() == FailureKind::Stale => Some(Fact::Stale { task }),
            EventKind::Failed(failed) => Some(Fact::Failed {
                task,
                attempt: event.attempt,
                code: failed.code.clone(),
                reason: failed.reason.clone(),
                retryable: failed.kind() == FailureKind::Retry,
            }),
        };
        Some((task, fact))
    }

    /// The task that an id names.
    fn task_ref(&self, id: &TaskId) -> Option<TaskRef> {
        let item = || self.all_footage().position(|footage| footage.item.name == id.item);
        let step = || self.plan().step(&id.step).map(|(index, _)| index);
        let pass = id.pass as usize;
        use framefleet_proto::v1::TaskKind;
        Some(match id.kind() {
            TaskKind::Index => TaskRef::index(item()?),
            TaskKind::Ingest => {
                let item = item()?;
                TaskRef::ingest(pass, item, (id.range?.start / self.footage(item).batch_frames) as usize)
            }
            TaskKind::Process | TaskKind::Group => {
                let (item, step) = (item()?, step()?);
                let frames = self.footage(item).task_frames(step);
                TaskRef::process(pass, step, item, (id.range?.start / frames) as usize)
            }
            TaskKind::Finish => TaskRef::finish(pass, step()?),
            TaskKind::Unspecified | TaskKind::Resolve => return None,
        })
    }

    /// Whether the document that an event names tells more of its item than the event and those before it.
    pub(crate) fn has_to_read(&self, item: usize, indexed: &Indexed) -> bool {
        let Some(footage) = self.items.get(item).map(ItemState::footage).filter(|footage| !footage.complete) else {
            return false;
        };
        !indexed.complete || (footage.batches.len() as u64) < indexed.from
    }

    /// Number of items.
    pub(crate) fn items(&self) -> usize {
        self.items.len()
    }

    /// The item of this index, as far as it is known by now.
    pub fn item(&self, item: usize) -> &Item {
        &self.footage(item).item
    }
}

/// Batches that an event reports, in the state's terms.
pub(crate) fn indexed_fact(item: usize, indexed: Indexed) -> Fact {
    let mut times = indexed.times.iter();
    let batch = |info: BatchInfo| match times.next() {
        Some(times) => Batch::new(info, Times::from(times)),
        None => Batch::from(info),
    };
    Fact::Indexed {
        item,
        from: usize::try_from(indexed.from).unwrap_or(usize::MAX),
        batches: indexed.batches.into_iter().map(batch).collect(),
        complete: indexed.complete,
        damage: Some(indexed.damage).filter(|damage| !damage.is_empty()),
        corrected: indexed.item.map(Box::new),
    }
}

/// A model as a task names it.
fn on_the_wire(model: &PlannedModel) -> TaskModel {
    TaskModel {
        role: model.role.clone(),
        id: model.id.clone(),
        sha256: model.sha256.clone(),
        class: model.mode.class.clone(),
        precision: model.mode.precision.clone(),
        optimisation: model.mode.optimisation.clone(),
        micro_batch: model.micro_batch as u32,
        dims: model.dims.iter().map(|(name, size)| (name.clone(), *size as u32)).collect(),
    }
}

/// A file as a task names it.
fn file_on_the_wire(file: &PlannedFile) -> TaskFile {
    TaskFile { setting: file.setting.clone(), path: file.path.clone(), digest: file.digest.clone() }
}
