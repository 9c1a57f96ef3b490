//! Models that publishers distribute: graphs of the same tensors as the catalogue says, with random weights, are taken by the stage.
//! They know nothing, and say nothing of quality.
use face_clustering::{FaceClusteringSettings, FaceClusteringStage};
use framefleet_stage::Stage;
use framefleet_testkit_models::random_host;

#[test]
fn the_publishers_own_detector_and_embedding_are_taken() {
    let (_folder, host) = random_host(&[("yunet-2023mar-original", 1), ("sface-2021dec-original", 1)]).unwrap();
    FaceClusteringStage::load(&host, &FaceClusteringSettings::default()).unwrap();
}

/// Its outputs are read by nobody here: that is said when it is loaded, not when it finds nothing.
#[test]
fn a_detector_of_another_form_is_refused() {
    let (_folder, host) = random_host(&[("s3fd", 1), ("sface-2021dec-original", 1)]).unwrap();
    let refusal = FaceClusteringStage::load(&host, &FaceClusteringSettings::default()).err().unwrap().to_string();
    assert!(refusal.contains("s3fd"), "{refusal}");
}
