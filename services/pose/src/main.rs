//! The `pose` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<pose::PoseStage>()
}
