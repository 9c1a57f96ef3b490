//! Which models a job's plan names: by catalogue, licence, what is installed, and where models are to run.
use crate::error::JobError;
use crate::request::ModelOptions;
use framefleet_fleet::{Classes, Place};
use framefleet_infer::{DeviceChoice, Precision};
use framefleet_models::{Allowed, Batch, Format, Model, ModelError};
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
            let exported = catalogue.exported_of(&model.id).map_err(text)?;
            let instead = match exported.is_empty() {
                true => "export it to ONNX and name it in a catalogue of your own".to_owned(),
                false => format!("name a model that `framefleet models convert {}` exports of it", model.id),
            };
            return Err(format!("{} is {kind}: {instead}", model.id));
        }
        let own = model.digest().map_err(text)?.to_string();
        if self.must_be_installed {
            self.model_runtime.cache().installed(model).map_err(text)?;
            self.model_runtime.library().map_err(text)?;
        }
        let class = self.class(stage)?;
        let (sha256, precision) = self.precision(model, own, &class)?;
        let mode =
            ModelMode { class, precision: precision.to_string(), optimisation: self.options.optimisation.to_string() };
        Ok(PlannedModel {
            role: need.role.clone(),
            id: model.id.clone(),
            micro_batch: self
                .model_runtime
                .micro_batch(model, need.micro_batch, &sha256, &mode.class, precision)
                .map_err(text)?,
            one_by_one: match &model.batch {
                Batch::One(why) => Some(why.clone()),
                Batch::Free { .. } => None,
            },
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
    fn class(&self, stage: &str) -> Result<String, String> {
        let place = match self.options.device {
            DeviceChoice::Auto => Place::Auto,
            DeviceChoice::Cpu => Place::Cpu,
            DeviceChoice::Cuda(_) => Place::Gpu,
        };
        self.classes.of_models(stage, place).map(str::to_owned).ok_or_else(|| {
            format!(
                "models of {stage} are to run on a GPU, and no worker of it has one: --device auto takes what there is"
            )
        })
    }

    /// The file of a model that computes as the job asks, by its digest, and the precision: the model's own file, a variant that was made
    /// of it, or what TensorRT makes of it. Workers compare it with what the file says and with what ran.
    fn precision(&self, model: &Model, own: String, class: &str) -> Result<(String, Precision), String> {
        let own_precision = self.model_runtime.own_precision(model).map_err(text)?;
        let Some(wanted) = self.options.precision else { return Ok((own, own_precision)) };
        // What is only read computes nothing.
        if wanted == own_precision || model.is_read() {
            return Ok((own, own_precision));
        }
        if let Some(variant) = self.model_runtime.cache().variant(model, &wanted.to_string()).map_err(text)? {
            return Ok((variant.digest.to_string(), wanted));
        }
        if class.starts_with("tensorrt") && (own_precision, wanted) == (Precision::Fp32, Precision::Fp16) {
            return Ok((own, wanted));
        }
        let id = &model.id;
        let help = match wanted {
            Precision::Fp32 => "name a model that is fp32".to_owned(),
            _ => format!(
                "`framefleet models quantise {id} --precision {wanted}` makes a variant that is, or name a model that is"
            ),
        };
        Err(format!(
            "{id} is {own_precision}, and would run on {class}, which does not make {wanted} of it: {help}, or leave --precision out"
        ))
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
