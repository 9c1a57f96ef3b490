//! The command line: arguments in, a job run in this process, what came of it on the terminal and in the exit code.

mod allocator;
mod args;
mod class;
mod commands;
mod failure;
mod forecast;
mod identity;
mod job;
mod job_file;
mod machine;
mod report_file;
mod stills_order;
mod submit;
mod terminal;

use args::{Arguments, Command};
use clap::{Parser, error::ErrorKind};
use failure::Failure;
use framefleet_service::Exit;
use std::process::ExitCode;

/// The program: parses the arguments, runs the verb, says what went wrong.
pub fn main() -> ExitCode {
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
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("framefleet: {}", failure.message);
            failure.exit.into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    framefleet_telemetry::init_tracing(false, &arguments.log)
        .map_err(|error| Failure::usage(format!("--log {}: {error}", arguments.log)))?;
    match arguments.command {
        Command::Run(run) => commands::run::run(&run),
        Command::Stages(stages) => commands::stages::run(&stages),
        Command::Pipelines(pipelines) => commands::pipelines::run(&pipelines),
        Command::Validate(validate) => commands::validate::run(&validate),
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Completions { shell } => commands::completions::run(shell),
    }
}
