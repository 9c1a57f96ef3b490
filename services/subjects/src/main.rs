//! The `subjects` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<subjects::SubjectsStage>()
}
