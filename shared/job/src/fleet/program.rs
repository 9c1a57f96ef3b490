//! The `main` of the orchestrator's program.
use super::service::{OrchestratorArguments, orchestrate};
use crate::{JobError, Stages, allocator};
use clap::error::ErrorKind;
use clap::{Args as _, Command, FromArgMatches as _};
use framefleet_service::{Exit, LogArguments};
use std::process::ExitCode;

/// What it is called.
const NAME: &str = "orchestrator";
/// What it is for.
const ABOUT: &str =
    "Coordinates a fleet: accepts jobs, owns their outputs, publishes their tasks, writes their reports";

/// The arguments of the program: those of `framefleet orchestrator`, and those of every service's log.
#[derive(clap::Args, Debug)]
struct Arguments {
    #[command(flatten)]
    orchestrator: OrchestratorArguments,
    #[command(flatten)]
    log: LogArguments,
}

fn command() -> Command {
    let command = Command::new(NAME).version(env!("CARGO_PKG_VERSION"));
    Arguments::augment_args(command).about(ABOUT).long_about(None)
}

/// Parses the arguments, coordinates a fleet until it is stopped, says what went wrong.
pub fn main(stages: Stages) -> ExitCode {
    allocator::set_up();
    let parsed = command().try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return if asked { Exit::Done } else { Exit::Usage }.into();
        }
    };
    if let Err(error) = arguments.log.init() {
        eprintln!("{NAME}: --log: {error}");
        return Exit::Usage.into();
    }
    match stages().map_err(JobError::from).and_then(|registry| orchestrate(&arguments.orchestrator, registry)) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            eprintln!("{NAME}: {error}");
            error.exit().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent_and_say_what_the_program_is_for() {
        command().debug_assert();
        let help = command().render_help().to_string();
        assert!(help.starts_with(ABOUT) && help.contains("--listen") && help.contains("--log-text"), "{help}");
    }
}
