//! The `composite` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<composite::CompositeStage>()
}
