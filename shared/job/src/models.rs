//! Which models a job's plan names: by catalogue, licence, what is installed, and where models are to run.
use crate::error::JobError;
use crate::request::ModelOptions;
use framefleet_fleet::{Classes, Place};
use framefleet_infer::{Device, DeviceChoice, Precision, Tuned};
use framefleet_models::{Allowed, Format, Model, ModelError};
use framefleet_pipeline::{ModelMode, Models, PlannedModel};
use framefleet_service::{CatalogueArguments, ModelArguments, ModelRuntime};
use framefleet_stage::ModelNeed;

/// Turns the needs of a plan's steps into models.
pub(crate) struct ModelChoice<'a> {
    /// Catalogue, cache and devices.
    pub model_runtime: &'a ModelRuntime,
    /// The workers there are.
    pub classes: &'a Classes,
    /// How they are to run.
    pub options: &'a ModelOptions,
    /// Whether models have to be here.
    pub must_be_installed: bool,
}

impl Models for ModelChoice<'_> {
    fn choose(&self, stage: &str, profile: &str, need: &ModelNeed) -> Result<PlannedModel, String> {
        let catalogue = self.model_runtime.catalogue();
        let model = catalogue.choose(stage, &need.role, profile, need.choice.as_deref()).map_err(text)?;
        Allowed::of(&self.options.allowed).check(model).map_err(|error| with_flag(error, model))?;
        if model.format == Format::Checkpoint {
            let kind = "weights as their publisher trained with them, which no session opens";
            return Err(format!("{} is {kind}: export it to ONNX and name it in a catalogue of your own", model.id));
        }
        let sha256 = model.digest().map_err(text)?.to_string();
        if self.must_be_installed {
            self.model_runtime.cache().installed(model).map_err(text)?;
            self.model_runtime.library().map_err(text)?;
        }
        let mode = self.mode(stage, model)?;
        Ok(PlannedModel {
            role: need.role.clone(),
            id: model.id.clone(),
            micro_batch: self.micro_batch(need, &sha256, &mode)?,
            half: need.half,
            sha256,
            licence: model.licence.clone(),
            gated: model.is_gated(),
            dims: need.dims.clone(),
            mode,
        })
    }
}

impl ModelChoice<'_> {
    fn mode(&self, stage: &str, model: &Model) -> Result<ModelMode, String> {
        let place = match self.options.device {
            DeviceChoice::Auto => Place::Auto,
            DeviceChoice::Cpu => Place::Cpu,
            DeviceChoice::Cuda(_) => Place::Gpu,
        };
        let class = self.classes.of_models(stage, place).ok_or_else(|| {
            format!(
                "models of {stage} are to run on a GPU, and no worker of it has one: --device auto takes what there is"
            )
        })?;
        let precision = self.options.precision;
        if precision != Precision::Fp32 && !class.starts_with("tensorrt") && !model.id.ends_with(&precision.to_string())
        {
            return Err(format!(
                "{} is not {precision}, and only TensorRT makes another precision of a model: it would run on {class}; name a \
                 {precision} model, or leave --precision out",
                model.id
            ));
        }
        let (precision, optimisation) = (precision.to_string(), self.options.optimisation.to_string());
        Ok(ModelMode { class: class.to_owned(), precision, optimisation })
    }

    /// What `framefleet tune` found for this model where it is to run, else what the stage says. A stage that says 1 has a
    /// model that takes one item.
    fn micro_batch(&self, need: &ModelNeed, sha256: &str, mode: &ModelMode) -> Result<usize, String> {
        let device = if mode.class.starts_with("cpu") { Device::Cpu } else { Device::Cuda(0) };
        let found = match need.micro_batch {
            0 | 1 => None,
            _ => Tuned::load(&self.model_runtime.compiled(), sha256, device, self.options.precision).map_err(text)?,
        };
        let fits = |tuned: &Tuned| tuned.class.starts_with(&mode.class);
        Ok(found.filter(fits).map_or(need.micro_batch.max(1), |tuned| tuned.micro_batch))
    }
}

/// What is wrong with a licence, and the flag that allows it.
fn with_flag(error: ModelError, model: &Model) -> String {
    format!("{error}; for this job: --allow-licence {}", model.id)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The models' runtime of a process that plans with models and runs none; by the environment, but for where models are if that is
/// said.
pub fn planning_runtime(models: Option<&CatalogueArguments>) -> Result<ModelRuntime, JobError> {
    let arguments = ModelArguments::of_environment();
    let mut arguments = arguments.map_err(|error| JobError::Configuration(error.to_string()))?;
    arguments.models = models.cloned().unwrap_or(arguments.models);
    Ok(ModelRuntime::new(&arguments, 1)?)
}
