//! The `face-clustering` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main::<face_clustering::FaceClusteringStage>()
}
