//! Measures a combination: the job that `run` would do, warmed up, then timed.
mod checks;
mod figures;

use crate::footage::{self, ScaledClip};
use crate::matrix::Combination;
use crate::row::Row;
use crate::size::Size;
use crate::{BenchError, Matrix, Subject};
use framefleet_fleet::Classes;
use framefleet_infer::DeviceChoice;
use framefleet_job::{
    JobError, JobOutcome, JobRequest, ModelOptions, OutcomeKind, PipelineChoice, Planner, PreparedJob, Resources,
    RunningJob, in_process,
};
use framefleet_orchestration::Progress;
use framefleet_pipeline::{JobRange, Plan, Position};
use framefleet_service::{ModelArguments, ModelRuntime};
use framefleet_stage::{Registry, SourceStage as _};
use framefleet_utilisation::process;
use ingest::Ingest;
use std::fmt;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is measured, and how; combinations come beside it.
#[derive(Clone)]
pub struct Bench {
    /// The stages of the program.
    pub registry: Registry,
    /// What is done.
    pub pipeline: PipelineChoice,
    /// Settings that change it, "step.key=value".
    pub set: Vec<String>,
    /// How this machine runs models.
    pub models: ModelArguments,
    /// Models and licences that are allowed although they have to be by name.
    pub allowed: Vec<String>,
    /// Threads that may compute at a time.
    pub threads: usize,
    /// Bytes that frames in flight may occupy.
    pub memory: u64,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Frames of every item in a run.
    pub frames: u64,
    /// Runs in the timed window; the median counts.
    pub runs: u32,
}

/// The footage of a row.
#[derive(Clone, Debug)]
pub enum Clip {
    /// A source as it is.
    Source(String),
    /// A painted clip, 720p unless sizes are asked for.
    Synthetic,
}

impl fmt::Display for Clip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => out.write_str(source),
            Self::Synthetic => out.write_str(SYNTHETIC),
        }
    }
}

impl From<&str> for Clip {
    /// The word for a painted clip, or a source.
    fn from(text: &str) -> Self {
        if text == SYNTHETIC { Self::Synthetic } else { Self::Source(text.to_owned()) }
    }
}

/// What a painted clip is called.
const SYNTHETIC: &str = "synthetic";

impl Bench {
    /// What will be measured. A pipeline that is wrong, and a source of which nothing can be read, are refused here.
    pub fn subject(&self, clip: &Clip, window: Window) -> Result<Subject, BenchError> {
        let pipeline = self.pipeline.with_settings(&self.set, &self.registry)?;
        if let Clip::Source(source) = clip {
            let ingest = Ingest::new(ingest::resolve(&pipeline.ingest.settings).map_err(JobError::from)?);
            if ingest.probe(source)?.items.is_empty() {
                let problem = "nothing in it can be read".to_owned();
                return Err(BenchError::Source { source_name: source.clone(), problem });
            }
        }
        Ok(Subject {
            source: clip.to_string(),
            frames: window.frames,
            pipeline: pipeline.name,
            steps: pipeline.steps.into_iter().map(|step| step.name).collect(),
        })
    }

    /// Measures all combinations; `progress` hears of each row. Scaled copies and outputs lie in a temporary folder, which is removed.
    pub fn measure_all(
        &self,
        clip: &Clip,
        matrix: &Matrix,
        window: Window,
        mut progress: impl FnMut(&Row),
    ) -> Result<Vec<Row>, BenchError> {
        let folder = tempfile::Builder::new().prefix("framefleet-bench-").tempdir();
        let folder = folder.map_err(BenchError::file(std::env::temp_dir()))?;
        let scratch = folder.path();
        let mut rows = Vec::new();
        let mut scaled: Option<(Option<Size>, Result<ScaledClip, String>)> = None;
        for combination in matrix.combinations() {
            let wanted = combination.size.or_else(|| matches!(clip, Clip::Synthetic).then_some(DEFAULT));
            if scaled.as_ref().is_some_and(|(size, _)| *size != wanted)
                && let Some((_, Ok(old))) = scaled.take()
            {
                std::fs::remove_file(&old.path).map_err(BenchError::file(&old.path))?;
            }
            let row = match (clip, wanted) {
                (Clip::Source(source), None) => self.measure(source, combination, window, scratch),
                (clip, Some(size)) => {
                    let made = scaled.get_or_insert_with(|| (wanted, make(clip, size, window.frames, scratch)));
                    match &made.1 {
                        Ok(copy) => self.measure(&copy.path.to_string_lossy(), combination, window, scratch),
                        Err(reason) => Row::not_run(combination, reason),
                    }
                }
                (Clip::Synthetic, None) => Row::not_run(combination, "a painted clip has a size"),
            };
            progress(&row);
            rows.push(row);
        }
        Ok(rows)
    }

    /// Measures one combination on a source as it is.
    fn measure(&self, source: &str, combination: Combination, window: Window, scratch: &Path) -> Row {
        self.try_measure(source, combination, window, scratch)
            .unwrap_or_else(|reason| Row::not_run(combination, reason))
    }

    fn try_measure(
        &self,
        source: &str,
        combination: Combination,
        window: Window,
        scratch: &Path,
    ) -> Result<Row, String> {
        let job = CombinationJob::new(self, source, combination, window)?;
        let runtime = in_process::runtime(self.threads).map_err(text)?;
        let warm_up = NonZeroU64::new(2 * self.threads as u64);
        let plan = job.plan(scratch)?;
        checks::before(&plan, &combination)?;
        runtime.block_on(job.run(scratch, warm_up))?;
        checks::after(&plan, &combination, &job.model_runtime.reports())?;
        let mut runs = Vec::new();
        for _ in 0..window.runs.max(1) {
            let resets = process::reset_peak_memory();
            let outcome = runtime.block_on(job.run(scratch, None))?;
            let peak = process::memory().filter(|_| resets).map(|memory| memory.peak);
            let sampled = outcome.performance.utilisation.as_ref().and_then(|of| of.memory_peak);
            runs.push((outcome, peak.or(sampled)));
        }
        let figures = figures::median(runs, &job.model_runtime.reports()).ok_or("no frame was done")?;
        Ok(Row { combination, frame_size: Some(job.frame_size(scratch)?), not_run: None, figures: Some(figures) })
    }
}

/// The size of painted clips when none is asked for.
const DEFAULT: Size = Size { width: 1280, height: 720 };

fn make(clip: &Clip, size: Size, frames: u64, folder: &Path) -> Result<ScaledClip, String> {
    match clip {
        Clip::Source(source) => footage::scaled(source, size, frames, folder).map_err(text),
        Clip::Synthetic => footage::synthetic(size, frames, folder).map_err(text),
    }
}

/// The jobs of one combination: warm-up and timed runs share its models.
struct CombinationJob {
    request: JobRequest,
    resources: Resources,
    planner: Planner,
    model_runtime: Arc<ModelRuntime>,
    threads: usize,
}

impl CombinationJob {
    fn new(bench: &Bench, source: &str, combination: Combination, window: Window) -> Result<Self, String> {
        let models =
            combination.backend.map_or_else(|| bench.models.clone(), |backend| backend.arguments(&bench.models));
        let model_runtime = Arc::new(ModelRuntime::new(&models, bench.threads).map_err(text)?);
        let (cpu, gpu) = model_runtime.classes().map_err(text)?;
        let classes = Classes::of_process(cpu, gpu, bench.registry.names());
        let mut set = bench.set.clone();
        set.extend(combination.batch.map(|batch| format!("*.micro_batch={batch}")));
        let device = if combination.backend.is_some() { models.device } else { DeviceChoice::Auto };
        let mut request = JobRequest {
            source: source.to_owned(),
            pipeline: bench.pipeline.clone(),
            set,
            range: JobRange { start: None, end: Some(Position::Frame(window.frames)) },
            fresh: true,
            models: ModelOptions {
                device,
                precision: combination.precision,
                allowed: bench.allowed.clone(),
                ..ModelOptions::default()
            },
            ..JobRequest::default()
        };
        request.read_files(&bench.registry).map_err(text)?;
        let resources = Resources { classes, memory: bench.memory, models_installed: true };
        let planner = Planner::new(bench.registry.clone(), Arc::clone(&model_runtime));
        Ok(Self { request, resources, planner, model_runtime, threads: bench.threads })
    }

    fn prepare(&self, scratch: &Path, preview: Option<NonZeroU64>) -> Result<PreparedJob, String> {
        let output = scratch.join("output").to_string_lossy().into_owned();
        let request = JobRequest { output, preview, ..self.request.clone() };
        PreparedJob::open(request, self.resources.clone(), self.planner.clone()).map_err(text)
    }

    fn plan(&self, scratch: &Path) -> Result<Plan, String> {
        let prepared = self.prepare(scratch, None)?;
        prepared.plan(prepared.items()).map_err(text)
    }

    /// Width and height of the largest item's frames.
    fn frame_size(&self, scratch: &Path) -> Result<(u32, u32), String> {
        let sizes = self.prepare(scratch, None)?;
        let largest = sizes
            .items()
            .iter()
            .map(|item| (item.width, item.height))
            .max_by_key(|(w, h)| u64::from(*w) * u64::from(*h));
        largest.ok_or_else(|| "the source has no item".to_owned())
    }

    /// Does the job into a folder that is removed again. A job that does not go through is no measurement.
    async fn run(&self, scratch: &Path, preview: Option<NonZeroU64>) -> Result<JobOutcome, String> {
        let job = RunningJob::begin(self.prepare(scratch, preview)?).await.map_err(text)?;
        let (sender, _receiver) = watch::channel(Progress::default());
        let outcome = in_process::run(job, self.threads, CancellationToken::new(), sender).await.map_err(text)?;
        let folder = scratch.join("output");
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        match outcome.kind() {
            OutcomeKind::Done => Ok(outcome),
            kind => Err(format!("the job ended {}: {}", kind.words(), in_short(&outcome))),
        }
    }
}

/// What went wrong, at most three lines of it.
fn in_short(outcome: &JobOutcome) -> String {
    let problems = outcome.problems();
    let failed: u64 = outcome.summary.progress.steps.iter().map(|step| step.failed).sum();
    let frames = (failed > 0).then(|| format!("{failed} frames failed"));
    problems.into_iter().take(3).chain(frames).collect::<Vec<_>>().join("; ")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
