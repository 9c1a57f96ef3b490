//! The `segmentation` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<segmentation::SegmentationStage>()
}
