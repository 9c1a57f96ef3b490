//! The `lighting` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<lighting::LightingStage>()
}
