//! Models that a worker opens before it says that it is ready: the first task then finds them warm.
use crate::model_runtime::ModelRuntime;
use framefleet_infer::{InferError, StepModels};
use framefleet_models::ModelError;
use framefleet_proto::v1::TaskModel;
use framefleet_runner::HostProvider as _;
use framefleet_stage::{ModelNeed, Registry, SettingsError, SetupError};
use serde_json::Map;
use std::sync::Arc;

/// Stands for what the served stages run by default.
const DEFAULTS: &str = "defaults";

/// The profile of plans that name none.
const PROFILE: &str = "balanced";

/// A model cannot be opened beforehand.
#[derive(Debug, thiserror::Error)]
pub enum WarmError {
    /// No stage of the worker runs it.
    #[error("--warm {id}: no stage of this worker runs it; its stages can run: {known}")]
    NotServed {
        /// As given.
        id: String,
        /// Ids that would do.
        known: String,
    },
    /// The catalogue.
    #[error("--warm: {0}")]
    Model(#[from] ModelError),
    /// A stage's settings.
    #[error("--warm: {0}")]
    Settings(#[from] SettingsError),
    /// The runtime.
    #[error("--warm: {0}")]
    Setup(#[from] SetupError),
    /// The model.
    #[error("--warm: {0}")]
    Open(#[from] InferError),
}

/// Opens the models named, as plans with default settings would run them, and runs each on zeros.
pub(crate) fn warm(
    runtime: &ModelRuntime,
    registry: &Registry,
    stages: &[String],
    wanted: &[String],
) -> Result<(), WarmError> {
    let (cpu, gpu) = runtime.classes()?;
    let class = gpu.unwrap_or(cpu);
    for model in models(runtime, registry, stages, wanted, &class)? {
        let host = runtime.host(std::slice::from_ref(&model))?;
        let Some(models) = host.get::<StepModels>() else { continue };
        let session = Arc::clone(&models).open(&model.role)?;
        let report = session.report()?;
        tracing::info!(
            model = model.id,
            class = report.class,
            load_ms = report.load_ms,
            warm_up_ms = report.warm_up_ms,
            "warm"
        );
    }
    Ok(())
}

/// What is wanted, as a task would name it.
fn models(
    runtime: &ModelRuntime,
    registry: &Registry,
    stages: &[String],
    wanted: &[String],
    class: &str,
) -> Result<Vec<TaskModel>, WarmError> {
    let catalogue = runtime.catalogue();
    let mut needs: Vec<(&String, ModelNeed)> = Vec::new();
    // The source stage is no stage of the registry, and runs no models.
    for (name, stage) in stages.iter().filter_map(|name| Some((name, registry.get(name).ok()?))) {
        needs.extend(stage.resolve(None, &Map::new())?.needs.models.into_iter().map(|need| (name, need)));
    }
    let mut found = Vec::new();
    for id in wanted {
        let before = found.len();
        for (stage, need) in &needs {
            let model = match id.as_str() {
                DEFAULTS => catalogue.choose(stage, &need.role, PROFILE, need.choice.as_deref())?,
                id => match catalogue.by_role(&need.role).find(|model| model.id == id) {
                    Some(model) => model,
                    None => continue,
                },
            };
            if model.is_read() {
                continue;
            }
            let sha256 = model.digest()?.to_string();
            let precision = runtime.own_precision(model)?;
            let micro_batch = runtime.micro_batch(model, need.micro_batch, &sha256, class, precision)?;
            found.push(TaskModel {
                role: need.role.clone(),
                id: model.id.clone(),
                sha256,
                class: class.to_owned(),
                precision: precision.to_string(),
                optimisation: framefleet_infer::Optimisation::default().to_string(),
                micro_batch: micro_batch as u32,
                dims: need.dims.iter().map(|(name, size)| (name.clone(), *size as u32)).collect(),
            });
        }
        if found.len() == before && id != DEFAULTS {
            let known = needs.iter().flat_map(|(_, need)| catalogue.by_role(&need.role)).map(|model| model.id.clone());
            let known = known.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
            return Err(WarmError::NotServed { id: id.clone(), known });
        }
    }
    Ok(found)
}
