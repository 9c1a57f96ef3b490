//! `framefleet run`
use crate::args::RunArguments;
use crate::failure::Failure;
use crate::forecast::FolderChanges;
use crate::job::{self, Fleet};
use crate::job_work::{JobWork, OpenJob};
use crate::spec::{self, JobSpec};
use crate::submit;
use crate::terminal::{self, Style};
use crate::{edits, folders, machine, report_file, streams};
use framefleet_ledger::{Ledger, Output};
use framefleet_media::{Changes, Item, KnownFolder};
use framefleet_proto::control::SubmitRequest;
use framefleet_service::{Exit, ModelArguments, ModelRuntime};
use orchestrator::fleet::Classes;
use orchestrator::{Efficiency, Ending, JobOptions, JobRun, JobSummary, Machines, Progress, QueueShares};
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// How a job is run, besides what it is.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Answer yes to questions.
    pub yes: bool,
    /// Threads that may compute at a time; all cores when not given.
    pub threads: Option<u16>,
    /// Progress and result as JSON lines.
    pub json: bool,
    /// How models run.
    pub networks: ModelArguments,
}

impl Manner {
    /// On all cores, as the environment says.
    pub fn of_environment() -> Result<Self, Failure> {
        let networks = ModelArguments::of_environment().map_err(Failure::configuration)?;
        Ok(Self { dry_run: false, yes: false, threads: None, json: false, networks })
    }

    fn threads(&self) -> usize {
        self.threads.map_or_else(machine::cores, usize::from)
    }
}

/// Runs a job in this process.
pub fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let RunArguments { job, dry_run, yes, threads, json, networks } = arguments;
    let mut wanted = SubmitRequest { device: networks.device.to_string(), ..spec::request(job)? };
    spec::read_files(&mut wanted, &submit::registry()?)?;
    let networks = networks.clone();
    request(wanted, &Manner { dry_run: *dry_run, yes: *yes, threads: *threads, json: *json, networks })
}

/// Does what a request asks for in this process.
pub fn request(request: SubmitRequest, manner: &Manner) -> Result<Exit, Failure> {
    let registry = submit::registry()?;
    let memory = if request.memory > 0 { request.memory } else { machine::default_memory() };
    let model_runtime = Arc::new(ModelRuntime::new(&manner.networks, manner.threads())?);
    let (cpu, card) = model_runtime.classes().map_err(Failure::configuration)?;
    let classes = Classes::of_process(cpu, card, registry.names());
    let spec = JobSpec::of_request(request, classes, memory, &registry)?;
    // A stage that crashes is a failure of its task, reported there; the default hook would print it as well.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let work = JobWork::open(spec, registry, model_runtime)?;
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    job::runtime(manner.threads())?.block_on(Submission { manner, work }.run())
}

/// A job on its way.
struct Submission<'a> {
    manner: &'a Manner,
    work: JobWork,
}

impl Submission<'_> {
    async fn run(self) -> Result<Exit, Failure> {
        let name = self.work.spec.request.output.clone();
        if self.manner.dry_run {
            let output = Output::parse(&name).map_err(Failure::usage)?;
            return self.dry_run(&output, self.work.items.clone()).await;
        }
        if self.work.spec.request.fresh && !self.confirm(&name)? {
            return Err(Failure::usage(format!("nothing was removed: {name} stays as it is")));
        }
        let open = self.work.open_output().await?;
        let summary = self.execute(&open).await?;
        let networks: Vec<serde_json::Value> =
            self.work.model_runtime.reports().iter().filter_map(|report| serde_json::to_value(report).ok()).collect();
        let machines = Machines { threads: self.manner.threads(), devices: report_file::devices(&networks) };
        let exit = self.work.conclude(open, &summary, machines, networks).await?;
        self.tell(&name, &summary, exit, machines)?;
        Ok(exit)
    }

    async fn execute(&self, open: &OpenJob) -> Result<JobSummary, Failure> {
        let OpenJob { ledger, plan, items, .. } = open;
        let threads = self.manner.threads();
        let fleet = Fleet {
            ledger: ledger.clone(),
            registry: self.work.registry.clone(),
            model_runtime: Arc::clone(&self.work.model_runtime),
            source: Arc::clone(&self.work.source),
            threads,
        };
        let run = JobRun {
            job: "run".to_owned(),
            plan: Arc::clone(plan),
            options: JobOptions {
                edits: edits::read(ledger).await?,
                earlier: open.earlier(),
                ..self.work.spec.job_options(items)
            },
            items: items.clone(),
            project: "default".to_owned(),
            share: QueueShares::of_process(threads).join(0),
        };
        let (sender, receiver) = watch::channel(Progress::default());
        let shown = tokio::spawn(terminal::show(receiver, Style::choose(self.manner.json)));
        let summary = job::run(fleet, run, job::interrupted(), &sender).await;
        drop(sender);
        if let Err(error) = shown.await {
            tracing::warn!(%error, "progress could not be shown");
        }
        summary
    }

    /// What came of it, for the person at the terminal or the program reading JSON.
    fn tell(&self, output: &str, summary: &JobSummary, exit: Exit, machines: Machines) -> Result<(), Failure> {
        let progress = &summary.progress;
        if self.manner.json {
            terminal::print_json(
                "result",
                &serde_json::json!({
                    "output": output, "outcome": terminal::outcome(exit), "exit": exit.code(), "progress": progress,
                    "refused": self.work.refused, "damage": summary.damage, "unfinished": summary.unfinished,
                    "lost_edits": summary.edits.lost, "followed_edits": summary.edits.followed,
                }),
            );
            return Ok(());
        }
        for line in self.work.problems(summary).iter().chain(&summary.edits.followed) {
            eprintln!("{line}");
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
        let efficiency = Efficiency::of(progress, machines);
        let speed = match efficiency.frames_per_second {
            0.0 => "no frame had to be processed".to_owned(),
            speed => format!("{speed:.1} frames/s, efficiency {:.2}", efficiency.efficiency),
        };
        println!(
            "{} in {:.1} s: {speed}; {}",
            terminal::outcome(exit),
            progress.elapsed.as_secs_f64(),
            report_file::bottleneck(progress, &efficiency),
        );
        println!("report: {}/report.html", output.trim_end_matches('/'));
        if summary.ending == Ending::Interrupted {
            let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            // Only a NUL cannot be quoted, and no argument has one.
            let command = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
            println!("to resume, run the same command again: {command}");
        }
        Ok(())
    }

    /// Asks before results are removed. Without a terminal only `--yes` is an answer.
    fn confirm(&self, output: &str) -> Result<bool, Failure> {
        if self.manner.yes || !Path::new(output).exists() {
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

    /// Says what a run would do.
    async fn dry_run(&self, output: &Output, mut items: Vec<Item>) -> Result<Exit, Failure> {
        let ledger = Ledger::read(output.clone()).await.ok();
        if let Some(ledger) = &ledger {
            folders::recognise(&mut items, ledger).await?;
        }
        let plan = Arc::new(self.work.plan(&items)?);
        let (source, options) = (Arc::clone(&self.work.source), self.work.spec.job_options(&items));
        let mut known = Vec::new();
        for item in items {
            let folder = match &ledger {
                Some(ledger) => folders::known(&item, ledger).await?,
                None => KnownFolder::default(),
            };
            known.push((item, folder));
        }
        let forecast = {
            let plan = Arc::clone(&plan);
            let lookup =
                move |key: &framefleet_ledger::TaskKey| ledger.as_ref().and_then(|ledger| ledger.outcomes(key));
            tokio::task::spawn_blocking(move || {
                crate::forecast::forecast(plan, known, options, source.as_ref(), &lookup)
            })
        };
        let (steps, folders) = forecast.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        if self.manner.json {
            terminal::print_json(
                "dry_run",
                &serde_json::json!({
                    "plan": plan.as_ref(), "steps": steps, "folders": folders, "refused": self.work.refused,
                }),
            );
            return Ok(Exit::Done);
        }
        for (name, why) in &self.work.refused {
            println!("{name}: {why}");
        }
        for FolderChanges { item, changes } in &folders {
            let Changes { new, gone, renamed, replaced } = changes;
            println!("{item}: {new} pictures new, {gone} gone, {renamed} renamed, {replaced} replaced");
        }
        for step in &steps {
            println!(
                "{:<18} {:>9} frames to do {:>9} to reuse {:>9} to skip",
                step.step, step.to_do, step.reused, step.skipped
            );
        }
        submit::describe_passes(&plan).iter().for_each(|line| println!("{line}"));
        let all = machine::total_memory().map(|all| format!(" of {}", bytesize::ByteSize(all))).unwrap_or_default();
        for (step, model) in plan.steps.iter().flat_map(|step| step.models.iter().map(move |model| (step, model))) {
            let (class, precision) = (&model.mode.class, &model.mode.precision);
            println!(
                "model {} for {} of {}: {}, on {class}, {precision}, batches of {}",
                model.id, model.role, step.name, model.licence, model.micro_batch
            );
        }
        println!("memory for frames: {}{all}", bytesize::ByteSize(plan.memory.budget));
        Ok(Exit::Done)
    }
}
