//! The command line: arguments in, a job run in this process, what came of it on the terminal and in the exit code.

// First, for its macros.
#[macro_use]
mod streams;

mod allocator;
mod args;
mod client;
mod commands;
mod edits;
mod failure;
mod files;
mod fleet_runner;
mod folders;
mod forecast;
mod identity;
mod job;
mod job_file;
mod job_work;
mod last_run;
mod machine;
mod model_choice;
mod pictures;
mod report_file;
mod source_batches;
mod source_check;
mod spec;
mod submit;
mod supervisor;
mod terminal;

pub use commands::stages::{differences, meaning};
pub use submit::Stages;

use args::{Arguments, Command};
use clap::{Parser, error::ErrorKind};
use failure::Failure;
use framefleet_service::Exit;
use std::process::ExitCode;

/// The program: parses the arguments, runs the verb, says what went wrong.
pub fn main() -> ExitCode {
    main_with(registry::stages)
}

/// The program with other stages than it comes with.
pub fn main_with(stages: Stages) -> ExitCode {
    submit::set_stages(stages);
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
    let ended = run(arguments);
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

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let log = arguments.log.as_deref().unwrap_or(if is_service(&arguments.command) { "info" } else { "warn" });
    framefleet_telemetry::init_tracing(arguments.log_json, log)
        .map_err(|error| Failure::usage(format!("--log {log}: {error}")))?;
    match arguments.command {
        Command::Run(run) => commands::run::run(&run),
        Command::Stages(stages) => commands::stages::run(&stages),
        Command::Pipelines(pipelines) => commands::pipelines::run(&pipelines),
        Command::Validate(validate) => commands::validate::run(&validate),
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Export(export) => commands::export::run(&export),
        Command::Doctor(doctor) => commands::doctor::run(&doctor),
        Command::Up(up) => commands::up::run(&up),
        Command::Submit(submit) => commands::jobs::submit(&submit),
        Command::Status(status) => commands::jobs::status(&status),
        Command::Watch(job) => commands::jobs::watch(&job),
        Command::Cancel(job) => commands::jobs::cancel(&job),
        Command::Top(top) => commands::top::run(&top),
        Command::Edit(edit) => commands::edit::run(&edit),
        Command::Failures(failures) => commands::failures::run(&failures),
        Command::Worker(worker) => commands::worker::run(&worker),
        Command::Orchestrator(orchestrator) => commands::orchestrator::run(&orchestrator),
        Command::Models(models) => commands::models::run(&models),
        Command::Tune(arguments) => commands::tune::run(&arguments),
        Command::Completions { shell } => commands::completions::run(shell),
    }
}

/// Whether a verb runs for long without anybody looking at it.
fn is_service(command: &Command) -> bool {
    matches!(command, Command::Worker(_) | Command::Orchestrator(_))
}
