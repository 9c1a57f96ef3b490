//! `framefleet completions`
use crate::args::Arguments;
use crate::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;
use framefleet_service::Exit;

/// Prints a completion script.
pub fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "framefleet", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
