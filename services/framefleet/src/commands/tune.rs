//! `framefleet tune`
use crate::args::TuneArguments;
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_infer::{InferError, SessionOptions, Stopped, TuneOptions, Tuned};
use framefleet_models::{Allowed, Format, Model};
use framefleet_service::{Exit, ModelRuntime};
use framefleet_stage::{ModelNeed, Registry};
use std::time::Duration;

/// A model to tune, and the options that its stage opens it with.
struct Wanted<'a> {
    model: &'a Model,
    session: SessionOptions,
}

/// Finds the batch sizes of models on this machine's device, and keeps them for later plans.
pub fn run(arguments: &TuneArguments, registry: &Registry) -> Result<Exit, Failure> {
    if arguments.ids.is_empty() && arguments.stages.is_empty() {
        return Err(Failure::usage("name models (`framefleet models list`), or say --stages"));
    }
    let model_runtime = ModelRuntime::new(&arguments.runtime, 1)?;
    let (cpu, gpu) = model_runtime.classes().map_err(Failure::configuration)?;
    let engine = model_runtime.engine(gpu.as_deref().unwrap_or(&cpu)).map_err(Failure::configuration)?;
    let allowed = Allowed::of(&arguments.allow_licence);
    let mut found = Vec::new();
    for Wanted { model, session } in wanted(arguments, registry, &model_runtime)? {
        allowed.check(model)?;
        if model.format != Format::Onnx {
            return Err(Failure::usage(format!("{} is no model that ONNX Runtime runs", model.id)));
        }
        let file = model_runtime.file(model, session.precision)?;
        let options = TuneOptions {
            session,
            largest: arguments.largest.max(1),
            time: Duration::try_from_secs_f64(arguments.seconds).map_err(Failure::usage)?,
            memory: arguments.memory.map(|size| size.as_u64()),
        };
        let tuned = Tuned::search(&engine, &file, &options)?;
        if !arguments.json {
            print(&tuned);
        }
        found.push(tuned);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    }
    Ok(Exit::Done)
}

/// The models asked for, each once: those named as they are, those of stages as the stage opens them.
fn wanted<'a>(
    arguments: &TuneArguments,
    registry: &Registry,
    model_runtime: &'a ModelRuntime,
) -> Result<Vec<Wanted<'a>>, Failure> {
    let plain = SessionOptions { precision: arguments.precision, ..SessionOptions::default() };
    let catalogue = model_runtime.catalogue();
    let mut all = Vec::new();
    for id in &arguments.ids {
        all.push(Wanted { model: catalogue.get(id)?, session: plain.clone() });
    }
    for stage in &arguments.stages {
        let resolved = registry.get(stage).and_then(|known| known.resolve(None, &serde_json::Map::new()));
        for need in resolved.map_err(Failure::usage)?.needs.models {
            let ModelNeed { role, choice, dims, .. } = need;
            let model = catalogue.choose(stage, &role, "balanced", choice.as_deref())?;
            if all.iter().all(|known: &Wanted| known.model.id != model.id) {
                all.push(Wanted { model, session: SessionOptions { dims, ..plain.clone() } });
            }
        }
    }
    Ok(all)
}

fn print(tuned: &Tuned) {
    println!("{} on {}: batches of {} ({})", tuned.model, tuned.device, tuned.micro_batch, tuned.class);
    for trial in &tuned.trials {
        let (rate, time) = (trial.items_per_second, trial.run_ms);
        println!("  {:>4}  {rate:>9.1} items/s  {time:>8.2} ms a run  {}", trial.batch, ByteSize(trial.bytes));
    }
    println!("  ended: {}", reason(tuned.stopped));
}

/// Why a search ended, for people.
fn reason(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Throughput => "two larger batches brought less than 5 % more",
        Stopped::Memory => "larger batches do not fit",
        Stopped::Largest => "the largest batch that may be tried was reached",
        Stopped::Fixed => "the model fixes its batch",
        Stopped::Dependent => {
            "items do not go through the model together: with others the run fails, or answers change"
        }
    }
}

impl From<InferError> for Failure {
    fn from(error: InferError) -> Self {
        Self::failed(error)
    }
}
