//! The `orchestrator` service.

fn main() -> std::process::ExitCode {
    framefleet_job::fleet::main(registry::stages)
}
