//! The `assemble` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<assemble::AssembleStage>()
}
