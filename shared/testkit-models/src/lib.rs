//! Models of the catalogue for tests: fetched once into the working copy's `.cache`, opened on the CPU. For tests only.
mod graph;
mod onnx;

pub use graph::RandomGraph;

use framefleet_infer::runtime::LIBRARY_NAME;
use framefleet_infer::{
    DeviceChoice, Engine, EngineOptions, InferError, Model, Precision, Runtime, RuntimeError, SessionOptions,
    StepModel, StepModels,
};
use framefleet_models::{Allowed, Batch, Cache, Catalogue, Format, ModelError, Puller, Silent};
use framefleet_stage::{Host, ModelNeed, Needs};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TestModelError {
    /// The catalogue or the registries.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The library.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The engine.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// A graph cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// `.cache` of the working copy; `make setup` puts ONNX Runtime there.
pub fn cache_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache")
}

/// The file of a model, fetched if it is not here: tests are the ones who allow it, whatever its licence.
pub fn model(id: &str) -> Result<Model, TestModelError> {
    let cache = Cache::new(cache_folder().join("models"));
    let catalogue = Catalogue::built_in()?;
    let entry = catalogue.get(id)?;
    let installed = Puller::new(&cache, &Silent).allowing(Allowed::of([id])).pull(entry)?;
    let sha256 = installed.files[0].sha256.to_string();
    Ok(Model { name: id.to_owned(), path: installed.path().to_owned(), sha256 })
}

/// An entry of the catalogue.
pub fn entry(id: &str) -> Result<framefleet_models::Model, TestModelError> {
    Ok(Catalogue::built_in()?.get(id)?.clone())
}

/// A host whose models are random graphs of these entries, each for the role that its entry has, and the folder that holds them. As many
/// items go in at once as are said.
pub fn random_host(ids: &[(&str, usize)]) -> Result<(tempfile::TempDir, Host), TestModelError> {
    let folder = tempfile::tempdir()?;
    let step_model = |(id, items): &(&str, usize)| {
        let entry = entry(id)?;
        let model = RandomGraph::of(&entry).write(folder.path())?;
        let options = SessionOptions { micro_batch: Some(*items), ..SessionOptions::default() };
        Ok((entry.role, StepModel { model, options }))
    };
    let models = ids.iter().map(step_model).collect::<Result<BTreeMap<_, _>, TestModelError>>()?;
    let host = Host::default().with(Arc::new(StepModels::new(engine()?, models)));
    Ok((folder, host))
}

/// An engine on the CPU.
pub fn engine() -> Result<Engine, TestModelError> {
    let runtime = Runtime::open(&cache_folder().join("onnxruntime/capi").join(LIBRARY_NAME))?;
    let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(cache_folder().join("engines")) };
    Ok(Engine::new(&runtime, options)?)
}

/// A host whose one model, for this role, is `models/brightness.onnx`: it takes a picture of 512 by 512 pixels (RGB, 0 to 1) and gives for each
/// how bright it is, so that what a stage makes of it has a known truth.
pub fn brightness(role: &str) -> Result<Host, TestModelError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/brightness.onnx");
    let sha256 = "432166f5a51ab4d74aa59a402b829717a093b217649bf8d11128c880d50664ef".to_owned();
    let model = Model { name: "brightness".to_owned(), path, sha256 };
    let options = SessionOptions { micro_batch: Some(1), ..SessionOptions::default() };
    let models = BTreeMap::from([(role.to_owned(), StepModel { model, options })]);
    Ok(Host::default().with(Arc::new(StepModels::new(engine()?, models))))
}

/// The host that a stage of these needs would get in the profile `balanced`: models chosen as submit chooses them.
pub fn host(stage: &str, needs: &Needs) -> Result<Host, TestModelError> {
    let models = needs.models.iter().map(|need| Ok((need.role.clone(), step_model(stage, need)?)));
    let models = models.collect::<Result<BTreeMap<_, _>, TestModelError>>()?;
    Ok(Host::default().with(Arc::new(StepModels::new(engine()?, models))))
}

/// The same with so many items per run of every model that neither a setting nor its use says a number for.
pub fn host_in_batches(stage: &str, needs: &Needs, items: usize) -> Result<Host, TestModelError> {
    let mut needs = needs.clone();
    needs.models.iter_mut().for_each(|need| need.micro_batch = need.micro_batch.or(Some(items)));
    host(stage, &needs)
}

fn step_model(stage: &str, need: &ModelNeed) -> Result<StepModel, TestModelError> {
    let catalogue = Catalogue::built_in()?;
    let entry = catalogue.choose(stage, &need.role, "balanced", need.choice.as_deref())?;
    let usual = if let Batch::Free { cpu, .. } = entry.batch { cpu } else { 1 };
    let model = model(&entry.id)?;
    // As plans do: each file is run in what it computes in.
    let precision = match entry.format {
        Format::Onnx => Precision::of_file(&entry.id, &model.path)?,
        _ => Precision::default(),
    };
    let options = SessionOptions {
        micro_batch: Some(need.micro_batch.unwrap_or(usual)),
        dims: need.dims.clone(),
        pool: 2,
        precision,
        ..SessionOptions::default()
    };
    Ok(StepModel { model, options })
}
