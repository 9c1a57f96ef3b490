//! The shell of a stage's process: arguments in, exit code out.

mod describe;
mod exit;

pub use exit::Exit;

use clap::{Arg, ArgAction, Command, error::ErrorKind};
use describe::DescribeError;
use framefleet_stage::{Description, Stage};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// The `main` of a stage's program: `fn main() -> ExitCode { framefleet_service::main::<Pose>() }`.
pub fn main<S: Stage>() -> ExitCode {
    run(&Program::of::<S>(), std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr().lock()).into()
}

/// The `main` of the source stage's program, which has a description in place of the trait.
pub fn main_of_source(name: &'static str, about: &'static str, describe: fn() -> Description) -> ExitCode {
    let program = Program { name, about, document: &|| Ok(serde_json::to_value(describe())?) };
    run(&program, std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr().lock()).into()
}

/// What a program is for.
struct Program<'a> {
    name: &'static str,
    about: &'static str,
    document: &'a dyn Fn() -> Result<Value, DescribeError>,
}

impl Program<'static> {
    fn of<S: Stage>() -> Self {
        Self { name: S::NAME, about: S::ABOUT, document: &describe::describe::<S> }
    }
}

/// A program's `main` with everything it touches handed in; an output that cannot be written is a failure.
fn run(
    program: &Program,
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let ran = match command(program).try_get_matches_from(arguments) {
        Ok(matches) if matches.get_flag("describe") => print_description(program, out, err),
        Ok(_) => refuse_to_serve(program.name, err),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            write!(out, "{error}").map(|()| Exit::Done)
        }
        Err(error) => write!(err, "{error}").map(|()| Exit::Usage),
    };
    // What is still buffered may meet a full disk or a closed pipe, too.
    ran.and_then(|exit| out.flush().map(|()| exit)).unwrap_or(Exit::Failed)
}

/// The arguments of a stage's program.
fn command(program: &Program) -> Command {
    let describe = Arg::new("describe")
        .long("describe")
        .action(ArgAction::SetTrue)
        .help("Print name, version, settings schema, profiles and needs as JSON, and exit");
    Command::new(program.name)
        .bin_name(program.name)
        .about(program.about)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(describe)
}

fn print_description(program: &Program, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    match (program.document)() {
        Ok(document) => writeln!(out, "{document:#}").map(|()| Exit::Done),
        Err(error) => writeln!(err, "{}: {error}; this is a bug in the stage", program.name).map(|()| Exit::Bug),
    }
}

/// There is no bus between processes in this build, and a worker that pretended to wait for one would look healthy.
fn refuse_to_serve(name: &str, err: &mut dyn Write) -> io::Result<Exit> {
    writeln!(
        err,
        "{name}: this stage joins a fleet over a bus between processes, which this build does not have yet."
    )?;
    writeln!(err, "Run it in one process instead: framefleet run SOURCE --stages {name}")?;
    writeln!(err, "What it does and needs: {name} --describe")?;
    Ok(Exit::BusUnreachable)
}

#[cfg(test)]
mod tests;
