//! The `sync` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<sync::SyncStage>()
}
