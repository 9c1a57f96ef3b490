//! The `motion` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<motion::MotionStage>()
}
