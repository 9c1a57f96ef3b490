//! A fleet in one process over footage that needs no decoder, with stages that exercise the model of computation: one makes
//! frames, one looks at them and at its neighbours' annotations, one needs what another's finish made.
//!
//! Shared by the integration tests and the benchmark.
#![allow(dead_code)]

pub mod caption;
pub mod long_job;
pub mod reel;
pub mod resize;
pub mod source;
pub mod stages;
pub mod work;

use framefleet_bus::{Blobs, Bus, MemoryBlobs, MemoryBus};
use framefleet_frames::Item;
use framefleet_ledger::{Ledger, Ledgers, OpenOptions, Output, SourceIdentity};
use framefleet_orchestration::{
    JobOptions, JobRun, JobSummary, Orchestrator, OrchestratorError, Progress, QueueShares,
};
use framefleet_pipeline::{JobRange, Pipeline, Plan, PlanRequest};
use framefleet_runner::{Runner, RunnerOptions, RunnerParts};
use framefleet_stage::{Host, Registry, SourceStage};
use serde_json::Map;
use source::SyntheticSource;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Memory for frames in flight; enough for every pipeline here.
const MEMORY: u64 = 256 << 20;

/// What carries messages and frames.
pub struct Carriers {
    pub bus: Arc<dyn Bus>,
    pub blobs: Arc<dyn Blobs>,
}

impl Carriers {
    /// Those of one process.
    pub fn in_memory() -> Self {
        Self { bus: Arc::new(MemoryBus::new(Duration::from_secs(30))), blobs: Arc::new(MemoryBlobs::new(u64::MAX)) }
    }
}

/// A job of these tests.
#[derive(Clone)]
pub struct TestJob {
    pub pipeline: String,
    pub source: SyntheticSource,
    pub threads: usize,
    pub memory: u64,
    pub range: JobRange,
    pub options: JobOptions,
    /// Frames that its stages were asked for in its runs.
    pub asked: Arc<stages::Asked>,
    /// Stages' version by the plan, when that is of another release than the workers.
    pub planned_version: Option<u32>,
}

impl TestJob {
    /// A pipeline (TOML) over items of so many frames.
    pub fn new(pipeline: &str, frames: &[u64]) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            source: SyntheticSource::of(frames),
            threads: 2,
            memory: MEMORY,
            range: JobRange::default(),
            options: JobOptions::default(),
            asked: Arc::default(),
            planned_version: None,
        }
    }

    pub fn plan(&self) -> Result<Plan, framefleet_pipeline::PlanError> {
        let pipeline = Pipeline::from_toml(&self.pipeline, "test")?;
        let request = PlanRequest {
            pipeline: &pipeline,
            items: &self.source.items,
            range: self.range,
            files: &[],
            ingest: (Map::new(), 1),
            class: "test".to_owned(),
            seed: 7,
            memory_budget: self.memory,
        };
        let mut plan = framefleet_pipeline::plan(&request, &registry(), &framefleet_pipeline::NoModels)?;
        for (step, version) in plan.steps.iter_mut().zip(self.planned_version.into_iter().cycle()) {
            step.version = version;
        }
        Ok(plan)
    }

    /// Runs the job into an output; `interrupt` may stop it.
    pub async fn run_until(
        &self,
        output: &Output,
        interrupt: CancellationToken,
    ) -> Result<JobSummary, OrchestratorError> {
        self.run_over(Carriers::in_memory(), output, interrupt).await
    }

    /// Runs the job over a bus and blobs that no other job uses.
    pub async fn run_over(
        &self,
        Carriers { bus, blobs }: Carriers,
        output: &Output,
        interrupt: CancellationToken,
    ) -> Result<JobSummary, OrchestratorError> {
        let identity = SourceIdentity { source: "synthetic".to_owned(), items: Default::default() };
        let open = OpenOptions { fresh: false, build: "test".to_owned(), source: identity };
        let ledger = Ledger::open(output.clone(), open).await?;
        let scratch = tempfile::tempdir().unwrap();
        let registry = registry();
        let options = RunnerOptions {
            name: "test".to_owned(),
            stages: std::iter::once("ingest".to_owned()).chain(registry.names().map(str::to_owned)).collect(),
            classes: vec!["test".to_owned()],
            threads: self.threads,
            scratch: scratch.path().to_owned(),
            isolation: None,
            alone: false,
        };
        let source: Arc<dyn SourceStage> = Arc::new(self.source.clone());
        let parts = RunnerParts {
            bus: bus.clone(),
            blobs: blobs.clone(),
            ledgers: Ledgers::of_owner(ledger.clone()),
            registry,
            open_source: Arc::new(move |_| Ok(Arc::clone(&source))),
            hosts: Arc::new(Host::default().with(Arc::clone(&self.asked))),
        };
        let runner = Runner::new(parts, options);
        let stop = CancellationToken::new();
        let working = tokio::spawn(runner.run(stop.clone()));
        let (progress, _) = watch::channel(Progress::default());
        let run = JobRun {
            job: "test".to_owned(),
            plan: Arc::new(self.plan().expect("the pipeline is a plan")),
            items: self.source.items.clone(),
            options: self.options.clone(),
            project: "default".to_owned(),
            share: QueueShares::of_process(self.threads).join(0),
        };
        let summary =
            Orchestrator { bus, blobs: blobs.clone(), ledger: ledger.clone() }.run(run, interrupt, &progress).await;
        stop.cancel();
        working.await.unwrap().unwrap();
        if summary.is_ok() {
            let held = blobs.used();
            assert_eq!(held, 0, "frames of a job that is over still hold memory");
            let manifests = ledger.manifests().await?;
            framefleet_records::write_failures(&ledger, &manifests, &[]).await?;
        }
        ledger.close().await?;
        summary
    }

    /// Runs the job to its end.
    pub async fn run(&self, output: &Output) -> JobSummary {
        let interrupt = CancellationToken::new();
        self.run_until(output, interrupt).await.expect("the job runs")
    }

    /// Runs the job into a new output in memory; the digest of what comes out, which must be sound.
    pub async fn digest(&self) -> String {
        let output = Output::in_memory();
        self.run(&output).await;
        digest(&output).await
    }
}

/// The digest of an output, which must have no problems.
pub async fn digest(output: &Output) -> String {
    let report = framefleet_records::verify(output, true).await.expect("the output can be verified");
    assert_eq!(report.problems, Vec::<String>::new());
    report.digest
}

/// The stages of these tests.
pub fn registry() -> Registry {
    let registered = Registry::new()
        .with::<stages::Level>()
        .and_then(Registry::with::<stages::Brighten>)
        .and_then(Registry::with::<stages::Surround>)
        .and_then(Registry::with::<stages::Normalise>)
        .and_then(Registry::with::<stages::Fragile>)
        .and_then(Registry::with::<work::Spin>)
        .and_then(Registry::with::<work::Sleep>)
        .and_then(Registry::with::<resize::Resize>)
        .and_then(Registry::with::<reel::Reel>);
    registered.expect("names differ")
}

/// An item of so many frames, 16×8.
pub fn item(name: &str, frames: u64) -> Item {
    source::item(name, frames)
}
