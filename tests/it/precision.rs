//! Precision that cannot be is refused, by whichever verb it is asked of.
use crate::program::with_models;

#[test]
fn a_precision_that_a_file_does_not_have_is_refused_by_tune_and_by_jobs() {
    let tuned = with_models(&["tune", "yunet-2023mar", "--precision", "int8", "--seconds", "0.01"]);
    assert_eq!(tuned.code, Some(1), "{tuned:#?}");
    for said in ["yunet-2023mar is fp32", "int8", "framefleet models quantise yunet-2023mar --precision int8"] {
        assert!(tuned.err.contains(said), "{said}: {}", tuned.err);
    }
    let output = tempfile::tempdir().unwrap();
    let source = framefleet_testkit::sample("astronaut.png").unwrap();
    for precision in ["int8", "fp16"] {
        let ran = with_models(&[
            "run",
            source.to_str().unwrap(),
            "--stages",
            "face-clustering",
            "--precision",
            precision,
            "--device",
            "cpu",
            "-o",
            output.path().join("out").to_str().unwrap(),
        ]);
        assert_eq!(ran.code, Some(78), "{ran:#?}");
        assert!(ran.err.contains("is fp32") && ran.err.contains("models quantise"), "{}", ran.err);
    }
}
