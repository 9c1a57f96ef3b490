//! `framefleet completions`
use crate::args::Arguments;
use crate::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;
use framefleet_service::Exit;

/// Prints a completion script.
pub fn run(shell: Shell) -> Result<Exit, Failure> {
    clap_complete::generate(shell, &mut Arguments::command(), "framefleet", &mut std::io::stdout());
    Ok(Exit::Done)
}
