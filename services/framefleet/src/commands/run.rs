//! `framefleet run`
mod dry_run;

use crate::args::RunArguments;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::terminal::{self, Style, printable};
use crate::{machine, request, streams};
use framefleet_fleet::Classes;
use framefleet_job::{JobError, JobOutcome, JobRequest, Planner, PreparedJob, Resources, RunningJob, in_process};
use framefleet_orchestration::{Efficiency, Ending, Progress};
use framefleet_service::{Exit, ModelArguments, ModelRuntime};
use framefleet_stage::Registry;
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _};
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// How a job is run, besides what it is.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Answer yes to questions.
    pub yes: bool,
    /// Threads that may compute at a time; all cores when not given.
    pub threads: Option<u16>,
    /// Progress and result as JSON lines.
    pub json: bool,
    /// How models run.
    pub models: ModelArguments,
}

impl RunOptions {
    /// On all cores, as the environment says.
    pub fn of_environment() -> Result<Self, Failure> {
        let models = ModelArguments::of_environment().map_err(Failure::configuration)?;
        Ok(Self { dry_run: false, yes: false, threads: None, json: false, models })
    }

    fn threads(&self) -> usize {
        self.threads.map_or_else(machine::cores, usize::from)
    }
}

/// Runs a job in this process.
pub fn run(arguments: &RunArguments, registry: Registry) -> Result<Exit, Failure> {
    let RunArguments { job, dry_run, yes, threads, json, models } = arguments;
    let mut request = request::of_arguments(job, models.device)?;
    request.read_files(&registry)?;
    let models = models.clone();
    run_job(request, registry, &RunOptions { dry_run: *dry_run, yes: *yes, threads: *threads, json: *json, models })
}

/// Does what a request asks for in this process.
pub fn run_job(request: JobRequest, registry: Registry, options: &RunOptions) -> Result<Exit, Failure> {
    let memory = request.memory.map_or_else(machine::default_memory, NonZeroU64::get);
    let model_runtime = Arc::new(ModelRuntime::new(&options.models, options.threads())?);
    let (cpu, gpu) = model_runtime.classes().map_err(JobError::from)?;
    let classes = Classes::of_process(cpu, gpu, registry.names());
    // A stage that crashes is a failure of its task, reported there; the default hook would print it as well.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let resources = Resources { classes, memory, models_installed: true };
    let prepared = PreparedJob::open(request, resources, Planner::new(registry, model_runtime))?;
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    in_process::runtime(options.threads())?.block_on(async {
        match options.dry_run {
            true => dry_run::print(&prepared, options.json).await,
            false => run_to_completion(prepared, options).await,
        }
    })
}

async fn run_to_completion(prepared: PreparedJob, options: &RunOptions) -> Result<Exit, Failure> {
    let output = prepared.request().output.clone();
    if prepared.request().fresh && !confirm(&output, options.yes)? {
        return Err(Failure::usage(format!("nothing was removed: {output} stays as it is")));
    }
    let job = RunningJob::begin(prepared).await?;
    let (sender, receiver) = watch::channel(Progress::default());
    let shown = tokio::spawn(terminal::show(receiver, Style::choose(options.json)));
    let outcome = in_process::run(job, options.threads(), interrupted(), sender).await;
    if let Err(error) = shown.await {
        tracing::warn!(%error, "progress could not be shown");
    }
    let outcome = outcome?;
    match options.json {
        true => print_json(&output, &outcome),
        false => print(&output, &outcome),
    }
    Ok(outcome.kind().exit())
}

/// What came of a job, for the program reading JSON.
fn print_json(output: &str, outcome: &JobOutcome) {
    let (summary, kind) = (&outcome.summary, outcome.kind());
    let result = json!({
        "output": output, "outcome": kind.words(), "exit": kind.exit().code(), "progress": summary.progress,
        "refused": outcome.refused, "left_out": outcome.left_out, "damage": summary.damage, "unfinished": summary.unfinished,
        "lost_edits": summary.edits.lost, "followed_edits": summary.edits.followed, "bottlenecks": outcome.performance.findings,
    });
    terminal::print_json("result", &result);
}

/// What came of a job, for the person at the terminal.
fn print(output: &str, outcome: &JobOutcome) {
    let (summary, progress) = (&outcome.summary, &outcome.summary.progress);
    let said = outcome.left_out.first_lines();
    for line in said.iter().chain(&outcome.problems()).chain(&summary.edits.followed) {
        eprintln!("{}", printable(line));
    }
    if let Ending::Stopped(reason) = &summary.ending {
        eprintln!("framefleet: stopped: {reason}");
    }
    for step in &progress.steps {
        println!("{:<18} {:>9} results {:>7} failed {:>9} skipped", step.step, step.result, step.failed, step.skipped);
    }
    let efficiency = Efficiency::of(progress, outcome.performance.machines);
    let speed = match efficiency.frames_per_second {
        0.0 => "no frame had to be processed".to_owned(),
        speed => format!("{speed:.1} frames/s, efficiency {:.2}", efficiency.efficiency),
    };
    let (words, seconds) = (outcome.kind().words(), progress.elapsed.as_secs_f64());
    println!("{words} in {seconds:.1} s: {speed}; {}", outcome.bottleneck());
    println!("report: {}/report.html", output.trim_end_matches('/'));
    if summary.ending == Ending::Interrupted {
        let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        // Only a NUL cannot be quoted, and no argument has one.
        let command = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
        println!("to resume, run the same command again: {command}");
    }
}

/// Asks before results are removed. Without a terminal only `--yes` is an answer.
fn confirm(output: &str, yes: bool) -> Result<bool, Failure> {
    if yes || !Path::new(output).exists() {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("--fresh would remove the results in {output}: say --yes as well")));
    }
    streams::error(format_args!("Remove all results in {output}? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
