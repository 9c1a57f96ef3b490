//! What installed models really take and give, compared with the catalogue.
use crate::args::ModelsArguments;
use crate::failure::Failure;
use framefleet_infer::{
    CacheUse, DeviceChoice, Dim, ElementType, Engine, EngineOptions, Model as File, Optimisation, Precision, Runtime,
    SessionOptions, TensorSpec,
};
use framefleet_job::planning_runtime;
use framefleet_models::{Cache, Dimension, Element, Format, Installed, Model, Tensor};
use framefleet_service::ModelArguments;
use std::cell::OnceCell;
use std::path::PathBuf;

/// Opens models to look at their tensors, where ONNX Runtime is here.
pub struct Tensors {
    library: Option<PathBuf>,
    engines: PathBuf,
    /// Opened with the first model that is looked at.
    engine: OnceCell<Engine>,
}

/// What was compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The file's tensors are those of the catalogue.
    Same,
    /// The catalogue says nothing of tensors, or the file is no graph.
    Nothing,
    /// ONNX Runtime is not here.
    NoRuntime,
}

impl Compared {
    /// For a list.
    pub fn remark(self) -> &'static str {
        match self {
            Self::Same => "; tensors as in the catalogue",
            Self::Nothing => "",
            Self::NoRuntime => "; tensors not compared: `framefleet models pull onnxruntime` fetches what opens it",
        }
    }
}

impl Tensors {
    /// Finds the library of this cache, of the environment, or of a working copy.
    pub fn new(arguments: &ModelsArguments, cache: &Cache) -> Result<Self, Failure> {
        let mut places = ModelArguments::of_environment().map_err(Failure::configuration)?.models;
        places.model_cache = Some(cache.folder().to_owned());
        places.catalogue = arguments.catalogue.clone();
        let runtime = planning_runtime(Some(&places))?;
        Ok(Self { library: runtime.library().ok(), engines: runtime.compiled(), engine: OnceCell::new() })
    }

    /// Compares a model's file with its entry.
    ///
    /// # Errors
    /// ONNX Runtime cannot open it, or a tensor differs: the message names model and tensor.
    pub fn check(&self, model: &Model, installed: &Installed) -> Result<Compared, Failure> {
        let states_nothing = model.inputs.is_empty() && model.outputs.is_empty();
        let (Format::Onnx, false, Some(file)) = (model.format, states_nothing, installed.files.first()) else {
            return Ok(Compared::Nothing);
        };
        let Some(engine) = self.engine()? else { return Ok(Compared::NoRuntime) };
        // As it is: in its own precision, neither rewritten, nor kept, nor run.
        let precision = Precision::of_file(&model.id, &file.path)?;
        let options =
            SessionOptions { precision, optimisation: Optimisation::Off, warm_up: 0, ..SessionOptions::default() };
        let (path, sha256) = (file.path.clone(), file.sha256.to_string());
        let named = File { name: model.id.clone(), path, sha256 };
        let session = engine.open(&named, &options)?;
        let (inputs, outputs) = (session.inputs()?, session.outputs()?);
        drop(session);
        engine.evict_idle();
        let tensors = |specs: Vec<TensorSpec>| specs.into_iter().map(tensor).collect::<Vec<_>>();
        model.check_signature(&tensors(inputs), &tensors(outputs))?;
        Ok(Compared::Same)
    }

    fn engine(&self) -> Result<Option<&Engine>, Failure> {
        let Some(library) = &self.library else { return Ok(None) };
        if let Some(engine) = self.engine.get() {
            return Ok(Some(engine));
        }
        let runtime = Runtime::open(library).map_err(Failure::failed)?;
        let options = EngineOptions {
            device: DeviceChoice::Cpu,
            cache_use: CacheUse::Off,
            ..EngineOptions::new(self.engines.clone())
        };
        let engine = Engine::new(&runtime, options)?;
        Ok(Some(self.engine.get_or_init(|| engine)))
    }
}

/// What the runtime says of a tensor, in the catalogue's words.
fn tensor(spec: TensorSpec) -> Tensor {
    let element = match spec.element {
        ElementType::F32 => Element::F32,
        ElementType::F16 => Element::F16,
        ElementType::U8 => Element::U8,
        ElementType::I32 => Element::I32,
        ElementType::I64 => Element::I64,
    };
    let size = |dim: Dim| match dim {
        Dim::Fixed(size) => Dimension::Fixed(size as u64),
        Dim::Open(name) if name.is_empty() => Dimension::Named("?".to_owned()),
        Dim::Open(name) => Dimension::Named(name),
    };
    Tensor { name: spec.name, element, shape: spec.shape.into_iter().map(size).collect() }
}
