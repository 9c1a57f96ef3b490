//! The command line: verbs, arguments, the terminal. What a job is, and how it runs, is `framefleet_job`'s.

// First, for its macros.
#[macro_use]
mod streams;

mod args;
mod client;
mod commands;
mod failure;
mod interrupt;
mod machine;
mod request;
mod supervisor;
mod terminal;

pub use commands::stages::{differences, meaning};
pub use framefleet_job::Stages;

use args::{Arguments, Command};
use clap::{Parser, error::ErrorKind};
use failure::Failure;
use framefleet_job::{JobError, allocator};
use framefleet_service::Exit;
use std::process::ExitCode;

/// The program: parses the arguments, runs the verb, says what went wrong.
pub fn main() -> ExitCode {
    main_with(registry::stages)
}

/// The program with other stages than it comes with.
pub fn main_with(stages: Stages) -> ExitCode {
    allocator::set_up();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return if asked { Exit::Done } else { Exit::Usage }.into();
        }
    };
    let ended = run(arguments, stages);
    streams::flush();
    match (ended, streams::problem()) {
        (Ok(_), Some(problem)) => {
            eprintln!("framefleet: standard output cannot be written: {problem}");
            Exit::Failed.into()
        }
        (Ok(exit), None) => exit.into(),
        (Err(failure), _) => {
            eprintln!("framefleet: {}", failure.message);
            failure.exit.into()
        }
    }
}

fn run(arguments: Arguments, stages: Stages) -> Result<Exit, Failure> {
    let log = arguments.log.as_deref().unwrap_or(if is_service(&arguments.command) { "info" } else { "warn" });
    framefleet_telemetry::init_tracing(arguments.log_json, log)
        .map_err(|error| Failure::usage(format!("--log {log}: {error}")))?;
    let registry = || stages().map_err(JobError::from);
    match arguments.command {
        Command::Run(run) => commands::run::run(&run, registry()?),
        Command::Stages(stages) => commands::stages::run(&stages, &registry()?),
        Command::Pipelines(pipelines) => commands::pipelines::run(&pipelines),
        Command::Validate(validate) => commands::validate::run(&validate, registry()?),
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Select(select) => commands::select::run(&select),
        Command::Export(export) => commands::export::run(&export),
        Command::Doctor(doctor) => commands::doctor::run(&doctor),
        Command::Up(up) => commands::up::run(&up, &registry()?),
        Command::Submit(submit) => commands::jobs::submit(&submit, &registry()?),
        Command::Status(status) => commands::jobs::status(&status),
        Command::Watch(job) => commands::jobs::watch(&job),
        Command::Cancel(job) => commands::jobs::cancel(&job),
        Command::Top(top) => commands::top::run(&top),
        Command::Edit(edit) => commands::edit::run(&edit, &registry()?),
        Command::Failures(failures) => commands::failures::run(&failures, registry()?),
        Command::Worker(worker) => commands::worker::run(&worker, registry()?),
        Command::Orchestrator(orchestrator) => commands::orchestrator::run(&orchestrator, registry()?),
        Command::Models(models) => commands::models::run(&models, &registry()?),
        Command::Bench(arguments) => commands::bench::run(&arguments, registry()?),
        Command::Tune(arguments) => commands::tune::run(&arguments, &registry()?),
        Command::Completions { shell } => commands::completions::run(shell),
    }
}

/// Whether a verb runs for long without anybody looking at it.
fn is_service(command: &Command) -> bool {
    matches!(command, Command::Worker(_) | Command::Orchestrator(_))
}
