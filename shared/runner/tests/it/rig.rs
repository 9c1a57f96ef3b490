//! Everything around a runner: bus and frames in memory, an output, the tasks and what is reported of them.
use crate::source::{FakeSource, item};
use crate::stage::{Fake, FakeSettings, Probe, SEEN, annotation};
use framefleet_bus::{Blobs, Bus, BusError, Events, MemoryBlobs, MemoryBus, Message, Subject};
use framefleet_frames::times::Times;
use framefleet_frames::{AnnotationBlock, FrameAnnotations, FrameRange};
use framefleet_ledger::{KeyHasher, Ledger, Ledgers, OpenOptions, Output, SourceIdentity, TaskKey};
use framefleet_proto::v1::{
    AnnotationsRef, Done, Entry, Event, FrameTimes, ProcessWork, Task, TaskId, TaskKind, event::Kind as EventKind,
    task::Work,
};
use framefleet_runner::{IsolatedProcess, Runner, RunnerOptions, RunnerParts};
use framefleet_stage::{Host, Registry};
use prost::Message as _;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const JOB: &str = "job";
pub const CLASS: &str = "test";

/// Frames of a process task.
pub const FRAMES: FrameRange = FrameRange { start: 0, end: 8 };

pub struct Rig {
    pub bus: Arc<dyn Bus>,
    pub blobs: Arc<dyn Blobs>,
    pub ledger: Ledger,
    pub source: Arc<FakeSource>,
    pub probe: Arc<Probe>,
    /// Calls of the stage that wait: each goes on when `true` is sent, and fails when the sender is dropped.
    pub waiting: UnboundedReceiver<Sender<bool>>,
    /// Calls that never go on.
    pub lost: Vec<Sender<bool>>,
    /// Processes for dry runs of the runners that are started from now on.
    pub isolation: Option<IsolatedProcess>,
    pub scratch: TempDir,
    events: Box<dyn Events>,
    seen: AnnotationsRef,
}

impl Rig {
    pub async fn new() -> Self {
        Self::over(Output::in_memory(), MemoryBus::new(Duration::from_secs(30)), MemoryBlobs::new(u64::MAX)).await
    }

    pub async fn over(output: Output, bus: MemoryBus, blobs: MemoryBlobs) -> Self {
        let ledger = open(output).await;
        let (sender, waiting) = tokio::sync::mpsc::unbounded_channel();
        let seen = commit_seen(&ledger).await;
        Self {
            events: bus.listen(&Subject::events(JOB)).await.unwrap(),
            bus: Arc::new(bus),
            blobs: Arc::new(blobs),
            ledger,
            source: Arc::default(),
            probe: Probe::new(sender),
            waiting,
            lost: Vec::new(),
            isolation: None,
            scratch: tempfile::tempdir().unwrap(),
            seen,
        }
    }

    /// A runner of this output, with one thread.
    pub fn runner(&self) -> Runner {
        self.runner_with(1, Ledgers::of_owner(self.ledger.clone()))
    }

    pub fn runner_with(&self, threads: usize, ledgers: Ledgers) -> Runner {
        let host = Host::default().with(Arc::clone(&self.probe));
        let (bus, blobs) = (Arc::clone(&self.bus), Arc::clone(&self.blobs));
        let source: Arc<FakeSource> = Arc::clone(&self.source);
        let parts =
            RunnerParts { open_source: Arc::new(move |_| Ok(source.clone())), ..parts(bus, blobs, ledgers, host) };
        Runner::new(parts, options(self.scratch.path(), threads, self.isolation.clone()))
    }

    /// Starts a runner with one thread.
    pub fn start(&self) -> Running {
        Running::start(self.runner())
    }

    /// Puts a task into its queue.
    pub async fn publish(&self, task: &Task) {
        self.publish_bytes(&task.stage, task.encode_to_vec()).await;
    }

    pub async fn publish_bytes(&self, stage: &str, bytes: Vec<u8>) {
        let subject = Subject::task(stage, CLASS);
        self.bus.publish(Message { subject, id: String::new(), payload: bytes.into() }).await.unwrap();
    }

    /// Tasks in a queue that are not acknowledged.
    pub async fn left(&self, stage: &str) -> u64 {
        let depth = self.bus.depth(&Subject::task(stage, CLASS)).await.unwrap();
        depth.waiting + depth.leased
    }

    pub async fn event(&mut self) -> Event {
        Event::decode(self.events.next().await.unwrap().payload).unwrap()
    }

    pub async fn done(&mut self) -> Done {
        match self.event().await.kind {
            Some(EventKind::Done(done)) => done,
            other => panic!("{other:?}"),
        }
    }

    /// Runs one task on a runner of its own, to its acknowledgement.
    pub async fn run(&mut self, task: &Task) -> EventKind {
        let running = self.start();
        self.publish(task).await;
        let event = self.event().await;
        running.stop().await;
        assert_eq!(self.left(&task.stage).await, 0, "the task is not acknowledged");
        event.kind.unwrap()
    }

    pub async fn entry(&self, task: &Task) -> Option<Arc<Entry>> {
        self.ledger.find(&TaskKey::from_bytes(&task.key).unwrap()).await.unwrap()
    }

    /// A task of some name, which makes its key.
    pub fn task(&self, name: &str, stage: &str, kind: TaskKind, work: Option<Work>) -> Task {
        Task {
            job: JOB.to_owned(),
            id: Some(TaskId {
                kind: kind as i32,
                pass: 0,
                step: stage.to_owned(),
                item: "clip".to_owned(),
                range: Some(FRAMES),
            }),
            key: KeyHasher::new("test").field("name", name.as_bytes()).finish().as_bytes().to_vec().into(),
            stage: stage.to_owned(),
            settings: "{}".to_owned(),
            version: 1,
            item: Some(item("clip", FRAMES.end)),
            output: self.ledger.output().url().to_owned(),
            epoch: self.ledger.epoch(),
            work,
            ..Task::default()
        }
    }

    /// A process task on eight frames, each of which has an annotation from upstream.
    pub fn process(&self, name: &str, settings: &FakeSettings) -> Task {
        let times: Vec<i64> = (FRAMES.start..FRAMES.end).map(|frame| frame as i64).collect();
        let work = ProcessWork {
            window: Some(FRAMES),
            window_times: Some(FrameTimes::from(&Times::new(&times))),
            frames: (FRAMES.start..FRAMES.end).collect(),
            visible: vec![FRAMES],
            annotations: vec![self.seen.clone()],
            ..ProcessWork::default()
        };
        let settings = serde_json::to_string(settings).unwrap();
        Task { settings, ..self.task(name, "fake", TaskKind::Process, Some(Work::Process(work))) }
    }
}

/// A runner at work.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), BusError>>,
}

impl Running {
    pub fn start(runner: Runner) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(runner.run(stop.clone())), stop }
    }

    /// Asks it to drain.
    pub fn drain(&self) {
        self.stop.cancel();
    }

    /// Drains it and waits for its end.
    pub async fn stop(self) {
        self.drain();
        self.task.await.unwrap().unwrap();
    }
}

/// Opens an output as its owner.
pub async fn open(output: Output) -> Ledger {
    let source = SourceIdentity { source: "test".to_owned(), items: Default::default() };
    Ledger::open(output, OpenOptions { fresh: false, build: "test".to_owned(), source }).await.unwrap()
}

/// What a runner of the fake stage and source is made of.
pub fn parts(bus: Arc<dyn Bus>, blobs: Arc<dyn Blobs>, ledgers: Ledgers, host: Host) -> RunnerParts {
    RunnerParts {
        bus,
        blobs,
        ledgers,
        registry: Registry::new().with::<Fake>().unwrap(),
        open_source: Arc::new(|_| Ok(Arc::new(FakeSource::default()))),
        hosts: Arc::new(host),
    }
}

pub fn options(scratch: &std::path::Path, threads: usize, isolation: Option<IsolatedProcess>) -> RunnerOptions {
    RunnerOptions {
        name: "runner".to_owned(),
        stages: ["ingest", "fake", "unknown"].map(str::to_owned).to_vec(),
        classes: vec![CLASS.to_owned()],
        threads,
        scratch: scratch.to_owned(),
        isolation,
        alone: false,
    }
}

/// Commits the upstream step's annotations on the frames.
async fn commit_seen(ledger: &Ledger) -> AnnotationsRef {
    let key = KeyHasher::new("test").field("name", b"upstream").finish().as_bytes().to_vec();
    let id = TaskId { kind: TaskKind::Process as i32, range: Some(FRAMES), ..TaskId::default() };
    let entry = Entry { key: key.clone().into(), id: Some(id), ..Entry::default() };
    let frames =
        (FRAMES.start..FRAMES.end).map(|frame| FrameAnnotations { frame, annotations: vec![annotation(SEEN)] });
    let block = AnnotationBlock { frames: frames.collect(), ..AnnotationBlock::default() };
    ledger.commit(entry, block, Vec::new()).await.unwrap();
    AnnotationsRef { step: "upstream".to_owned(), key: key.into(), kinds: vec![SEEN.to_owned()] }
}
