//! The `inpainting` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<inpainting::InpaintingStage>()
}
