//! Offsets by a model that the catalogue names. Those here are parity fixtures (`tools/parity/lip_sync.py`): one knows nothing, the other
//! one photograph.
use crate::harness::{Footage, ahead, tale};
use framefleet_frames::SyncState;
use framefleet_infer::{Model, SessionOptions, StepModel, StepModels};
use framefleet_stage::{Host, Stage};
use framefleet_testkit::Picture;
use framefleet_testkit_models::{RandomGraph, engine, entry, model};
use framefleet_testkit_stage::Step;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync::{SyncSettings, SyncStage};

fn settings() -> SyncSettings {
    SyncSettings { lip_sync_model: Some("studio-sync".to_owned()), ..SyncSettings::default() }
}

/// The stage with a lip-sync model out of a file of the fixtures.
fn step(file: &str) -> Result<Step<SyncStage>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(file);
    step_of(if path.is_file() { path } else { model("silero-vad").unwrap().path })
}

/// The stage with this lip-sync model.
fn step_of(path: PathBuf) -> Result<Step<SyncStage>, String> {
    let sha256 = format!("{:x}", Sha256::digest(std::fs::read(&path).unwrap()));
    let given = Model { name: "studio-sync".to_owned(), path, sha256 };
    let needs = SyncStage::needs(&settings());
    let models = needs.models.iter().map(|need| {
        let model = match need.role.as_str() {
            "face-mesh" => model("face-mesh-attention").unwrap(),
            "voice-activity" => model("silero-vad").unwrap(),
            _ => given.clone(),
        };
        let options = SessionOptions {
            micro_batch: Some(need.micro_batch.unwrap_or(8)),
            dims: need.dims.clone(),
            ..SessionOptions::default()
        };
        (need.role.clone(), StepModel { model, options })
    });
    let models: BTreeMap<_, _> = models.collect();
    let host = Host::default().with(Arc::new(StepModels::new(engine().unwrap(), models)));
    Step::load(&host, &settings()).map_err(|error| error.to_string())
}

#[test]
fn a_model_is_one_more_need_with_a_halo() {
    let needs = SyncStage::needs(&settings());
    assert!(needs.models.iter().any(|need| need.role == "lip-sync" && need.choice.as_deref() == Some("studio-sync")));
    assert!(needs.halo.before > 0 && SyncStage::needs(&SyncSettings::default()).halo.before == 0);
}

#[test]
fn a_model_of_another_form_is_refused() {
    let problem = step("silero").map(|_| ()).unwrap_err();
    assert!(problem.contains("studio-sync") && problem.contains("face [N, 3, 5, side, side]"), "{problem}");
}

#[test]
fn offsets_are_counted_as_those_of_the_correlation() {
    let step = step("photograph.onnx").unwrap();
    let said = &tale()[..80_000];
    for frames in [-4, 6] {
        let footage = Footage::talking(said, Some(ahead(said, f64::from(frames) / 25.0)));
        let results = footage.finish(&step, &footage.process(&step));
        let offset = results.offset();
        println!("{frames}: {:?} {:?} {:?}", offset.offset_frames, offset.model_confidence, offset.state());
        assert!(offset.model_confidence.is_some() && offset.correlation.is_none(), "{offset:?}");
        let found = offset.offset_frames.unwrap();
        assert!((found - frames as f32).abs() <= 1.0, "{offset:?}");
    }
}

#[test]
fn a_model_that_knows_nothing_is_not_believed() {
    let step = step("random.onnx").unwrap();
    let said = &tale()[..64_000];
    let results = {
        let footage = Footage::talking(said, Some(said.to_vec()));
        footage.finish(&step, &footage.process(&step))
    };
    assert_eq!(results.state(), SyncState::Uncertain, "{:?}", results.offset());
    let nobody = Footage::new(vec![Picture::filled(64, 64, [0; 3]); 30], vec![vec![]; 30], Some(said.to_vec()));
    assert_eq!(nobody.finish(&step, &nobody.process(&step)).state(), SyncState::NoFace);
}

/// What `framefleet models convert syncnet-v2` makes has these tensors.
#[test]
fn the_exported_checkpoint_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let graph = RandomGraph::of(&entry("syncnet-v2").unwrap()).write(folder.path()).unwrap();
    let step = step_of(graph.path).unwrap();
    let said = &tale()[..64_000];
    let footage = Footage::talking(said, Some(said.to_vec()));
    let results = footage.finish(&step, &footage.process(&step));
    assert!(
        results.offset().model_confidence.is_some() || results.state() == SyncState::Uncertain,
        "{:?}",
        results.offset()
    );
}
