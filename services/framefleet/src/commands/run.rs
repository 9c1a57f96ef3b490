//! `framefleet run`
use crate::args::RunArguments;
use crate::class::execution_class;
use crate::failure::Failure;
use crate::job::{self, Fleet};
use crate::job_file::{JobFile, RunFacts};
use crate::report_file::{self, ReportFacts};
use crate::submit::{self, PlanOptions};
use crate::terminal::{self, Style};
use crate::{identity, machine, stills_order};
use framefleet_ledger::{Ledger, OpenOptions, Output, StepManifest};
use framefleet_media::Item;
use framefleet_pipeline::{JobRange, Pipeline, Plan};
use framefleet_report::model::State;
use framefleet_service::Exit;
use framefleet_stage::{Registry, SourceStage};
use orchestrator::{Ending, JobOptions, JobRun, JobSummary, Progress};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs a job in this process.
pub fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let registry = submit::registry()?;
    let pipeline = submit::pipeline(&arguments.choice, &registry)?;
    let options = plan_options(arguments);
    // Everything that is wrong with the pipeline is said before the source is touched.
    submit::plan_of(&pipeline, &[], &PlanOptions { memory: u64::MAX, ..options.clone() }, &registry)?;
    let (source, probe) = submit::open_source(&arguments.source, &pipeline)?;
    // A stage that crashes is a failure of its task, told in its place; the default hook would print it as well.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    let submission =
        Submission { arguments, registry, pipeline, options, source: Arc::new(source), refused: probe.refused };
    job::runtime(threads(arguments))?.block_on(submission.run(probe.items))
}

fn threads(arguments: &RunArguments) -> usize {
    arguments.threads.map_or_else(machine::cores, usize::from)
}

fn plan_options(arguments: &RunArguments) -> PlanOptions {
    PlanOptions {
        range: JobRange { start: arguments.start, end: arguments.end },
        seed: arguments.seed,
        memory: arguments.memory.map_or_else(machine::default_memory, |size| size.as_u64()),
        class: execution_class(),
    }
}

/// Where results go unless the user says: beside the source, named like it.
fn default_output(source: &str) -> String {
    let name = Path::new(source).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.filter(|name| !name.contains(['*', '?', '['])).unwrap_or_else(|| "footage".to_owned());
    format!("./{name}.framefleet")
}

/// A job on its way.
struct Submission<'a> {
    arguments: &'a RunArguments,
    registry: Registry,
    pipeline: Pipeline,
    options: PlanOptions,
    source: Arc<dyn SourceStage>,
    refused: Vec<(String, String)>,
}

impl Submission<'_> {
    async fn run(mut self, mut items: Vec<Item>) -> Result<Exit, Failure> {
        let name = self.arguments.output.clone().unwrap_or_else(|| default_output(&self.arguments.source));
        let output = Output::parse(&name).map_err(Failure::usage)?;
        if self.arguments.dry_run {
            return self.dry_run(&output, items).await;
        }
        if self.arguments.fresh && !self.confirm(&name)? {
            return Err(Failure::usage(format!("nothing was removed: {name} stays as it is")));
        }
        // A plan that cannot fit is refused before anything is touched.
        submit::plan_of(&self.pipeline, &items, &self.options, &self.registry)?;
        let build = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let identity = identity::of(&self.arguments.source, &items)?;
        let ledger = Ledger::open(output, OpenOptions { fresh: self.arguments.fresh, build, source: identity }).await?;
        stills_order::keep(&mut items, &ledger).await?;
        let mut job_file = JobFile::open(&ledger).await?;
        self.keep_class(job_file.class.as_deref())?;
        let plan = Arc::new(submit::plan_of(&self.pipeline, &items, &self.options, &self.registry)?);
        job_file.begin(&ledger, &self.arguments.source, &plan).await?;
        let summary = self.execute(&ledger, Arc::clone(&plan), items).await?;
        let exit = self.conclude(&ledger, &plan, &summary, &mut job_file).await?;
        self.tell(&name, &summary, exit)?;
        ledger.close().await?;
        Ok(exit)
    }

    /// An output keeps the class it was begun with; a machine of another class refuses, or is told to go on.
    fn keep_class(&mut self, begun: Option<&str>) -> Result<(), Failure> {
        match begun {
            Some(begun) if begun != self.options.class && !self.arguments.mixed_class => {
                Err(Failure::configuration(format!(
                    "the output was begun in execution class {begun}, this machine is {}: answers may differ in the last bits; \
                 use another --output, or --mixed-class to go on all the same",
                    self.options.class
                )))
            }
            _ => Ok(()),
        }
    }

    async fn execute(&self, ledger: &Ledger, plan: Arc<Plan>, items: Vec<Item>) -> Result<JobSummary, Failure> {
        let threads = threads(self.arguments);
        let fleet = Fleet {
            ledger: ledger.clone(),
            registry: self.registry.clone(),
            source: Arc::clone(&self.source),
            threads,
        };
        let run = JobRun { job: "run".to_owned(), plan, options: self.job_options(&items), items, slots: threads };
        let (sender, receiver) = watch::channel(Progress::default());
        let shown = tokio::spawn(terminal::show(receiver, Style::choose(self.arguments.json)));
        let summary = job::run(fleet, run, job::interrupted(), &sender).await;
        drop(sender);
        if let Err(error) = shown.await {
            tracing::warn!(%error, "progress could not be shown");
        }
        summary
    }

    fn job_options(&self, items: &[Item]) -> JobOptions {
        let frames = items.iter().map(|item| item.estimated_frames).sum();
        JobOptions {
            preview: self.arguments.preview,
            retry_failed: self.arguments.retry_failed,
            max_failures: self.arguments.max_failures.map(|limit| limit.frames(frames)),
        }
    }

    /// Leaves failures.jsonl, report and job.json in the output. The exit code.
    async fn conclude(
        &self,
        ledger: &Ledger,
        plan: &Plan,
        summary: &JobSummary,
        job_file: &mut JobFile,
    ) -> Result<Exit, Failure> {
        let manifests: Vec<StepManifest> = ledger.manifests().await?;
        let items: Vec<(String, String)> = self.refused.iter().chain(&summary.damage).cloned().collect();
        let failures = ledger.write_failures(&manifests, &items).await?;
        let exit = exit_of(summary, failures);
        let threads = threads(self.arguments);
        let report = ReportFacts {
            source: &self.arguments.source,
            started: job_file.started(),
            state: self.state(summary, exit),
            plan,
            progress: &summary.progress,
            threads,
        };
        report_file::draw(ledger, Arc::clone(&self.source), &report).await?;
        let facts = RunFacts { outcome: terminal::outcome(exit), failures, refused: self.refused.clone(), threads };
        job_file.end(ledger, &self.arguments.source, plan, summary, &facts).await?;
        ledger.compact().await?;
        Ok(exit)
    }

    fn state(&self, summary: &JobSummary, exit: Exit) -> (State, String) {
        let problems: Vec<String> = self
            .refused
            .iter()
            .chain(&summary.damage)
            .map(|(item, why)| format!("{item}: {why}"))
            .chain(summary.unfinished.iter().map(|(step, why)| format!("finish of {step} failed: {why}")))
            .collect();
        match (&summary.ending, self.arguments.preview, exit) {
            (Ending::Stopped(reason), ..) => (State::Unfinished, reason.clone()),
            (Ending::Interrupted, ..) => {
                (State::Unfinished, "Interrupted; run the same command again to go on.".to_owned())
            }
            (_, Some(batches), _) => {
                (State::Unfinished, format!("A preview of {batches} batches; run without --preview for all of it."))
            }
            (_, None, Exit::Done) => (State::Complete, String::new()),
            _ => (State::Partial, problems.join("; ")),
        }
    }

    /// What came of it, for the person at the terminal or the program reading JSON.
    fn tell(&self, output: &str, summary: &JobSummary, exit: Exit) -> Result<(), Failure> {
        let progress = &summary.progress;
        if self.arguments.json {
            terminal::print_json(
                "result",
                &serde_json::json!({
                    "output": output, "outcome": terminal::outcome(exit), "exit": exit.code(), "progress": progress,
                    "refused": self.refused, "damage": summary.damage, "unfinished": summary.unfinished,
                }),
            );
            return Ok(());
        }
        for (name, why) in self.refused.iter().chain(&summary.damage) {
            eprintln!("{name}: {why}");
        }
        for (step, why) in &summary.unfinished {
            eprintln!("the finish of step {step} failed: {why}");
        }
        if let Ending::Stopped(reason) = &summary.ending {
            eprintln!("framefleet: stopped: {reason}");
        }
        for step in &progress.steps {
            println!(
                "{:<18} {:>9} results {:>7} failed {:>9} skipped",
                step.step, step.result, step.failed, step.skipped
            );
        }
        let threads = threads(self.arguments);
        println!(
            "{} in {:.1} s: {:.1} frames/s, efficiency {:.2}; {}",
            terminal::outcome(exit),
            progress.elapsed.as_secs_f64(),
            report_file::frames_per_second(progress),
            progress.efficiency(threads),
            report_file::bottleneck(progress, threads),
        );
        println!("report: {}/report.html", output.trim_end_matches('/'));
        if summary.ending == Ending::Interrupted {
            println!("to go on, run the same command again: {}", std::env::args().collect::<Vec<_>>().join(" "));
        }
        Ok(())
    }

    /// Asks before results are removed. Without a terminal only `--yes` is an answer.
    fn confirm(&self, output: &str) -> Result<bool, Failure> {
        if self.arguments.yes || !Path::new(output).exists() {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!("--fresh would remove the results in {output}: say --yes as well")));
        }
        eprint!("Remove all results in {output}? [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Says what a run would do.
    async fn dry_run(&self, output: &Output, mut items: Vec<Item>) -> Result<Exit, Failure> {
        let ledger = Ledger::read(output.clone()).await.ok();
        if let Some(ledger) = &ledger {
            stills_order::apply(&mut items, ledger).await?;
        }
        let plan = Arc::new(submit::plan_of(&self.pipeline, &items, &self.options, &self.registry)?);
        let (source, options) = (Arc::clone(&self.source), self.job_options(&items));
        let forecast = {
            let plan = Arc::clone(&plan);
            let lookup = move |key: &framefleet_ledger::TaskKey| ledger.as_ref().and_then(|ledger| ledger.entry(key));
            tokio::task::spawn_blocking(move || {
                crate::forecast::forecast(plan, items, options, source.as_ref(), &lookup)
            })
        };
        let steps = forecast.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        if self.arguments.json {
            terminal::print_json(
                "dry_run",
                &serde_json::json!({ "plan": plan.as_ref(), "steps": steps, "refused": self.refused }),
            );
            return Ok(Exit::Done);
        }
        for (name, why) in &self.refused {
            println!("{name}: {why}");
        }
        for step in &steps {
            println!(
                "{:<18} {:>9} frames to do {:>9} to reuse {:>9} to skip",
                step.step, step.to_do, step.reused, step.skipped
            );
        }
        submit::describe_passes(&plan).iter().for_each(|line| println!("{line}"));
        let all = machine::total_memory().map(|all| format!(" of {}", bytesize::ByteSize(all))).unwrap_or_default();
        println!("models: none; memory for frames: {}{all}", bytesize::ByteSize(plan.memory.budget));
        Ok(Exit::Done)
    }
}

/// The exit code of a run.
fn exit_of(summary: &JobSummary, failures: u64) -> Exit {
    match &summary.ending {
        Ending::Stopped(_) => Exit::Failed,
        Ending::Interrupted => Exit::Interrupted,
        Ending::Finished if failures > 0 || !summary.unfinished.is_empty() => Exit::Partial,
        Ending::Finished => Exit::Done,
    }
}
