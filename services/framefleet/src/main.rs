//! The `framefleet` program.
use std::process::ExitCode;

fn main() -> ExitCode {
    framefleet::main()
}
