//! The worker's model runtime: catalogue, cache, ONNX Runtime, devices. It opens the sessions that tasks name.
use crate::class::execution_class;
use bytesize::ByteSize;
use clap::{Args as _, FromArgMatches as _};
use framefleet_infer::budget::Preset;
use framefleet_infer::runtime::LIBRARY_NAME;
use framefleet_infer::{
    CacheUse, Device, DeviceChoice, Engine, EngineOptions, InferError, Model, Precision, Provider, Recorder, Runtime,
    SessionOptions, SessionReport, StepModel, StepModels, Tuned, budget, device,
};
use framefleet_models::{Batch, Cache, Catalogue, Format, Installed, ModelError};
use framefleet_proto::v1::TaskModel;
use framefleet_runner::HostProvider;
use framefleet_stage::{Host, SetupError};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a machine runs models. But for the device, which decides whose tasks it takes, nothing here changes answers.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub struct ModelArguments {
    /// Where models run: auto (the first usable GPU, else the CPU), cpu, or cuda:N
    #[arg(long, env = "FRAMEFLEET_DEVICE", default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// What may run them on a GPU, the preferred one first
    #[arg(
        long,
        env = "FRAMEFLEET_PROVIDERS",
        value_delimiter = ',',
        default_value = "tensorrt,cuda",
        value_name = "PROVIDER,…"
    )]
    pub providers: Vec<Provider>,
    /// Memory that models may take on the device; idle ones go first [default: 0.9 of what it has free at start]
    #[arg(long, env = "FRAMEFLEET_MODEL_MEMORY", value_name = "SIZE")]
    pub model_memory: Option<ByteSize>,
    /// Optimised graphs and compiled engines: on (kept and used), off, or refresh (made anew)
    #[arg(long, env = "FRAMEFLEET_COMPILED", default_value = "on", value_name = "USE")]
    pub compiled: CacheUse,
    /// Runs on zeros before a model's first real one
    #[arg(long, env = "FRAMEFLEET_WARM_UP", default_value_t = 1, value_name = "N")]
    pub warm_up: u32,
    /// Seconds to measure each model's speed-up over its plain graph after it has loaded; 0 leaves it unmeasured
    #[arg(long, env = "FRAMEFLEET_MEASURE", default_value_t = 0.0, value_name = "SECONDS")]
    pub measure: f64,
    /// Where models are.
    #[command(flatten)]
    pub models: CatalogueArguments,
    /// Where inputs of a model are kept, to calibrate it.
    #[arg(skip)]
    pub recorder: Option<Arc<Recorder>>,
}

/// Where models are, and what runs them.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Models")]
pub struct CatalogueArguments {
    /// Folder of models and compiled models [default: ~/.cache/framefleet]
    #[arg(long, env = "FRAMEFLEET_CACHE", value_name = "FOLDER")]
    pub model_cache: Option<PathBuf>,
    /// A catalogue of your own, besides the program's
    #[arg(long, env = "FRAMEFLEET_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// ONNX Runtime's library [default: the one that `framefleet models pull` fetched]
    #[arg(long, env = "ORT_DYLIB_PATH", value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
}

impl ModelArguments {
    /// What the environment says.
    pub fn of_environment() -> Result<Self, clap::Error> {
        let command = Self::augment_args(clap::Command::new("models").no_binary_name(true));
        Self::from_arg_matches(&command.try_get_matches_from(std::iter::empty::<&str>())?)
    }
}

/// Opens models on this machine. Cheap to make: library and models are opened when a task needs them.
pub struct ModelRuntime {
    arguments: ModelArguments,
    catalogue: Catalogue,
    cache: Cache,
    /// Sessions of a model at most: as many as tasks compute at a time.
    pool: usize,
    /// By execution class.
    engines: Mutex<BTreeMap<String, Engine>>,
}

impl ModelRuntime {
    /// Reads the catalogue.
    pub fn new(arguments: &ModelArguments, pool: usize) -> Result<Self, ModelError> {
        let folder = arguments.models.model_cache.clone().map_or_else(Cache::default_folder, Ok)?;
        let cache = Cache::new(std::path::absolute(&folder).unwrap_or(folder));
        let catalogue = Catalogue::built_in()?;
        let catalogue = match &arguments.models.catalogue {
            Some(file) => catalogue.with_file(file)?,
            None => catalogue,
        };
        let catalogue = catalogue.with_pins(&cache.pins()?);
        Ok(Self { arguments: arguments.clone(), catalogue, cache, pool, engines: Mutex::default() })
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Where models lie.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Folder of optimised graphs, compiled engines and tuning results.
    pub fn compiled(&self) -> PathBuf {
        self.cache.folder().join("engines")
    }

    /// The library that runs models: the one given, the one pulled for GPUs or else for the CPU, or that of a working copy.
    pub fn library(&self) -> Result<PathBuf, ModelError> {
        if let Some(given) = &self.arguments.models.onnxruntime {
            return Ok(given.clone());
        }
        let pulled = |nvidia| -> Result<PathBuf, ModelError> {
            Ok(self.cache.installed(self.catalogue.onnx_runtime(nvidia)?)?.path().to_owned())
        };
        pulled(true).or_else(|_| pulled(false)).or_else(|error| of_working_copy().ok_or(error))
    }

    /// Execution classes of this machine: the processor's, and the GPU's where models are to run on one.
    pub fn classes(&self) -> Result<(String, Option<String>), SetupError> {
        Ok((execution_class(), self.gpu()?.map(|(class, _)| class)))
    }

    /// Class and number of the GPU that models are to run on.
    fn gpu(&self) -> Result<Option<(String, Device)>, SetupError> {
        let given = &self.arguments;
        // Without a library nothing runs anywhere; whoever asks for a GPU gets an error, and `auto` finds out when a task comes.
        let library = match (self.library(), given.device) {
            (Ok(library), _) => library,
            (Err(error), DeviceChoice::Cuda(_)) => return Err(refused(error)),
            (Err(_), _) => return Ok(None),
        };
        let found = device::resolve(given.device, &given.providers, &library).map_err(refused)?;
        let offered = found.providers.first().copied().unwrap_or(Provider::Cpu);
        Ok((found.device != Device::Cpu).then(|| (format!("{offered}-{}", found.architecture), found.device)))
    }

    /// The engine of an execution class; made once.
    pub fn engine(&self, class: &str) -> Result<Engine, SetupError> {
        let mut engines = self.engines.lock();
        if let Some(engine) = engines.get(class) {
            return Ok(engine.clone());
        }
        let own = execution_class();
        let gpu = self.gpu()?;
        let (choice, device) = match (&gpu, class == own) {
            (_, true) => (DeviceChoice::Cpu, Device::Cpu),
            (Some((known, device)), false) if known == class => (self.arguments.device, *device),
            _ => {
                let gpus = gpu.map_or_else(String::new, |(known, _)| format!(" and {known}"));
                return Err(SetupError(format!("the models are planned for {class}, this machine is {own}{gpus}")));
            }
        };
        let runtime = Runtime::open(&self.library().map_err(refused)?).map_err(refused)?;
        let given = self.arguments.model_memory.map(|size| size.as_u64());
        let memory_budget = given.or_else(|| budget::of(device));
        let options = EngineOptions {
            device: choice,
            providers: self.arguments.providers.clone(),
            cache_use: self.arguments.compiled,
            memory_budget,
            // On the CPU a bound makes all sessions share one arena, which costs time: only where it was asked for.
            arena_limit: if device == Device::Cpu { given } else { memory_budget },
            recorder: self.arguments.recorder.clone(),
            ..EngineOptions::new(self.compiled())
        };
        let engine = Engine::new(&runtime, options).map_err(refused)?;
        engines.insert(class.to_owned(), engine.clone());
        Ok(engine)
    }

    /// The file of a model that computes in a precision: the variant that was made of it on this machine, else its own, which may be
    /// another precision; opening it says so.
    pub fn file(&self, model: &framefleet_models::Model, precision: Precision) -> Result<Model, ModelError> {
        let variant = self.cache.variant(model, &precision.to_string())?;
        let installed = variant.map_or_else(|| self.cache.installed(model), Ok)?;
        let file = &installed.files[0];
        Ok(Model { name: model.id.clone(), path: file.path.clone(), sha256: file.sha256.to_string() })
    }

    /// Items of a run: one where the model takes one; else what a setting says, what `framefleet tune` found for this file where it is to
    /// run, or what the catalogue says, as far as it suits the device's memory.
    pub fn micro_batch(
        &self,
        model: &framefleet_models::Model,
        said: Option<usize>,
        sha256: &str,
        class: &str,
        precision: Precision,
    ) -> Result<usize, InferError> {
        let Batch::Free { cpu, gpu } = model.batch else { return Ok(1) };
        if let Some(said) = said {
            return Ok(said.max(1));
        }
        let device = self.device_of(class);
        let tuned = Tuned::load(&self.compiled(), sha256, device, precision)?;
        let fits = |tuned: &Tuned| tuned.class.starts_with(class);
        let usual = if device == Device::Cpu { cpu } else { gpu };
        let untuned = || usual.min(Preset::of(device).micro_batch);
        Ok(tuned.filter(fits).map_or_else(untuned, |tuned| tuned.micro_batch))
    }

    /// What a model's own file computes in: by the file where it is here, else by the id.
    pub fn own_precision(&self, model: &framefleet_models::Model) -> Result<Precision, InferError> {
        match self.cache.installed(model) {
            Ok(installed) if model.format == Format::Onnx => Precision::of_file(&model.id, installed.path()),
            _ => Ok(Precision::of_id(&model.id)),
        }
    }

    /// The device of an execution class: this machine's where it has that class, else the first of its kind.
    pub fn device_of(&self, class: &str) -> Device {
        match self.gpu() {
            Ok(Some((known, device))) if known == class => device,
            _ if class.starts_with("cpu") => Device::Cpu,
            _ => Device::Cuda(0),
        }
    }

    /// What really ran so far, of every model that is loaded.
    pub fn reports(&self) -> Vec<SessionReport> {
        let engines = self.engines.lock();
        engines.values().flat_map(Engine::reports).collect()
    }

    /// The models of a task by role; of one of several files also by `role/file`.
    fn step_models(&self, model: &TaskModel) -> Result<Vec<(String, StepModel)>, SetupError> {
        let entry = self.catalogue.get(&model.id).map_err(refused)?;
        let variant = self.cache.variant(entry, &model.precision).map_err(refused)?;
        let installed = match variant.filter(|variant| variant.digest.to_string() == model.sha256) {
            Some(variant) => variant,
            None => self.cache.installed(entry).map_err(refused)?,
        };
        if installed.digest.to_string() != model.sha256 {
            return Err(SetupError(format!(
                "the job was planned with {} of sha256 {}, this machine has {}: use one catalogue and the same variants everywhere",
                model.id, model.sha256, installed.digest
            )));
        }
        let options = self.options(model)?;
        Ok(files(&installed, model, &options))
    }

    fn options(&self, model: &TaskModel) -> Result<SessionOptions, SetupError> {
        let broken = |error: InferError| SetupError(format!("the task's model {}: {error}", model.id));
        Ok(SessionOptions {
            precision: model.precision.parse().map_err(broken)?,
            optimisation: model.optimisation.parse().map_err(broken)?,
            micro_batch: Some(model.micro_batch.max(1) as usize),
            dims: model.dims.iter().map(|(name, size)| (name.clone(), *size as usize)).collect(),
            pool: self.pool.max(1),
            warm_up: self.arguments.warm_up,
            threads: 1,
        })
    }

    /// Measures what was asked to be measured, and is not yet.
    fn measure(&self, models: &StepModels, roles: &[String]) -> Result<(), InferError> {
        if self.arguments.measure <= 0.0 {
            return Ok(());
        }
        for role in roles {
            let session = models.open(role)?;
            if session.report()?.speed_up.is_none() {
                session.measure_speed_up(Duration::from_secs_f64(self.arguments.measure))?;
            }
        }
        Ok(())
    }
}

/// The library that `make setup` puts in the working copy that this program was built in, or in that of the current folder.
fn of_working_copy() -> Option<PathBuf> {
    let starts = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    let above = starts.iter().flatten().flat_map(|start| start.ancestors());
    above.map(|folder| folder.join(".cache/onnxruntime/capi").join(LIBRARY_NAME)).find(|library| library.is_file())
}

/// The files of a model, by role.
fn files(installed: &Installed, model: &TaskModel, options: &SessionOptions) -> Vec<(String, StepModel)> {
    let opened = |(place, file): (usize, &framefleet_models::InstalledFile)| {
        let role = if place == 0 { model.role.clone() } else { format!("{}/{}", model.role, file.name) };
        let model = Model { name: model.id.clone(), path: file.path.clone(), sha256: file.sha256.to_string() };
        (role, StepModel { model, options: options.clone() })
    };
    installed.files.iter().enumerate().map(opened).collect()
}

impl HostProvider for ModelRuntime {
    fn host(&self, models: &[TaskModel]) -> Result<Host, SetupError> {
        let Some(first) = models.first() else { return Ok(Host::default()) };
        let engine = self.engine(&first.class)?;
        let (mut by_role, mut roles) = (BTreeMap::new(), Vec::new());
        for model in models {
            let files = self.step_models(model)?;
            if !self.catalogue.get(&model.id).map_err(refused)?.is_read() {
                roles.extend(files.iter().map(|(role, _)| role.clone()));
            }
            by_role.extend(files);
        }
        let models = StepModels::new(engine, by_role);
        self.measure(&models, &roles).map_err(refused)?;
        Ok(Host::default().with(Arc::new(models)))
    }

    fn device_seconds(&self) -> f64 {
        framefleet_infer::device_seconds()
    }

    fn lost_device(&self) -> Option<String> {
        let engines = self.engines.lock();
        engines.values().find_map(|engine| Some(format!("{}: {}", engine.device(), engine.lost()?)))
    }
}

fn refused(error: impl std::fmt::Display) -> SetupError {
    SetupError(error.to_string())
}
