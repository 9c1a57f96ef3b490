//! The `categorizer` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<categorizer::CategorizerStage>()
}
