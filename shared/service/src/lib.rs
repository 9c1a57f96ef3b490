//! The shell of a process: arguments in, exit code out; how it joins a fleet, serves stages, and stops.

mod class;
mod connect;
mod describe;
mod devices;
mod exit;
mod log;
mod model_runtime;
mod pinning;
mod warm;
mod worker;

pub use class::execution_class;
pub use connect::{FleetArguments, JoinError};
pub use devices::device_reader;
pub use exit::Exit;
pub use log::LogArguments;
pub use model_runtime::{CatalogueArguments, ModelArguments, ModelRuntime};
pub use warm::WarmError;
pub use worker::{Served, WorkerArguments, WorkerError, host_name, stop_signal, work};

use clap::error::ErrorKind;
use clap::{Args, FromArgMatches};
use describe::DescribeError;
use framefleet_stage::{Description, OpenSource, Registry, SetupError, Stage};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// The `main` of a stage's program: `fn main() -> ExitCode { framefleet_service::main::<Pose>() }`.
pub fn main<S: Stage>() -> ExitCode {
    let program = Program::of::<S>();
    run(&program, std::env::args_os().collect(), &mut io::stdout().lock(), &mut io::stderr()).into()
}

/// The `main` of the source stage's program, which has a description and a way to open it in place of the trait.
pub fn main_of_source(
    name: &'static str,
    version: u32,
    about: &'static str,
    describe: fn() -> Description,
    open: OpenSource,
) -> ExitCode {
    let program = Program {
        name,
        about,
        document: &|| Ok(serde_json::to_value(describe())?),
        served: &|arguments| {
            let stages = vec![(name.to_owned(), version)];
            Ok(Served { registry: Registry::new(), stages, open_source: Arc::clone(&open), arguments })
        },
    };
    run(&program, std::env::args_os().collect(), &mut io::stdout().lock(), &mut io::stderr()).into()
}

/// What a program is for.
struct Program<'a> {
    name: &'static str,
    about: &'static str,
    document: &'a dyn Fn() -> Result<Value, DescribeError>,
    served: &'a dyn Fn(Vec<OsString>) -> Result<Served, DescribeError>,
}

impl Program<'static> {
    fn of<S: Stage>() -> Self {
        Self { name: S::NAME, about: S::ABOUT, document: &describe::describe::<S>, served: &served::<S> }
    }
}

/// A worker of one stage. Index and ingest tasks never come to it.
fn served<S: Stage>(arguments: Vec<OsString>) -> Result<Served, DescribeError> {
    let no_source =
        |_: &serde_json::Map<String, Value>| Err(SetupError(format!("a worker of {} opens no source", S::NAME)));
    Ok(Served {
        registry: Registry::new().with::<S>()?,
        stages: vec![(S::NAME.to_owned(), S::VERSION)],
        open_source: Arc::new(no_source),
        arguments,
    })
}

/// The arguments of a stage's program.
#[derive(Args, Debug)]
struct StageArguments {
    /// Print name, version, settings schema, profiles and needs as JSON, and exit
    #[arg(long)]
    describe: bool,
    #[command(flatten)]
    worker: WorkerArguments,
    #[command(flatten)]
    log: LogArguments,
}

/// A program's `main` with everything it touches handed in; an output that cannot be written is a failure.
fn run(program: &Program, arguments: Vec<OsString>, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let command = StageArguments::augment_args(clap::Command::new(program.name).bin_name(program.name))
        .about(program.about)
        .long_about(None)
        .version(env!("CARGO_PKG_VERSION"));
    let parsed =
        command.try_get_matches_from(&arguments).and_then(|matches| StageArguments::from_arg_matches(&matches));
    let ran = match parsed {
        Ok(parsed) if parsed.describe => print_description(program, out, err),
        Ok(parsed) => serve(program, &parsed, arguments, err),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            write!(out, "{error}").map(|()| Exit::Done)
        }
        Err(error) => write!(err, "{error}").map(|()| Exit::Usage),
    };
    // What is still buffered may meet a full disk or a closed pipe, too.
    ran.and_then(|exit| out.flush().map(|()| exit)).unwrap_or(Exit::Failed)
}

fn print_description(program: &Program, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    match (program.document)() {
        Ok(document) => writeln!(out, "{document:#}").map(|()| Exit::Done),
        Err(error) => writeln!(err, "{}: {error}; this is a bug in the stage", program.name).map(|()| Exit::Bug),
    }
}

fn serve(
    program: &Program,
    parsed: &StageArguments,
    arguments: Vec<OsString>,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if let Err(error) = parsed.log.init() {
        return writeln!(err, "{}: --log: {error}", program.name).map(|()| Exit::Usage);
    }
    let served = match (program.served)(arguments.into_iter().skip(1).collect()) {
        Ok(served) => served,
        Err(error) => {
            return writeln!(err, "{}: {error}; this is a bug in the stage", program.name).map(|()| Exit::Bug);
        }
    };
    match work(&parsed.worker, served) {
        Ok(exit) => Ok(exit),
        Err(error) => writeln!(err, "{}: {error}", program.name).map(|()| error.exit()),
    }
}

#[cfg(test)]
mod tests;
