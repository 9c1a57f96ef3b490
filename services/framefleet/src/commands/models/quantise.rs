//! `framefleet models quantise`
use super::progress::Shown;
use crate::args::QuantiseArguments;
use crate::commands::jobs;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::machine;
use framefleet_fleet::Classes;
use framefleet_infer::{DeviceChoice, Precision, Recorder};
use framefleet_job::{
    JobError, JobRequest, ModelOptions, Planner, PreparedJob, Resources, RunningJob, in_process, output,
};
use framefleet_ledger::{Ledger, Output};
use framefleet_models::{Allowed, Cache, Calibration, Catalogue, Model, Puller, Variant};
use framefleet_orchestration::Progress;
use framefleet_service::{CatalogueArguments, Exit, ModelArguments, ModelRuntime};
use framefleet_stage::Registry;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// Batches of the footage whose frames are used.
const BATCHES: NonZeroU64 = NonZeroU64::MIN.saturating_add(7);

/// Makes a variant of a model in fewer bits, and says how its outputs differ.
pub fn quantise(
    arguments: &QuantiseArguments,
    own_catalogue: Option<&PathBuf>,
    registry: Registry,
    catalogue: &Catalogue,
    cache: &Cache,
) -> Result<Exit, Failure> {
    let QuantiseArguments { id, precision, calibrate, runs, offline, allow_licence } = arguments;
    let (model, allowed) = (catalogue.get(id)?, Allowed::of(allow_licence));
    allowed.check(model)?;
    match (precision, calibrate) {
        (Precision::Fp32, _) => return Err(Failure::usage("--precision: say fp16 or int8")),
        (Precision::Int8, None) => {
            let reason = "int8 has to be calibrated on frames like those it will see: say --calibrate with a finished output whose steps ran";
            return Err(Failure::usage(format!("{reason} {id}")));
        }
        _ => {}
    }
    cache.installed(model)?;
    let folder = tempfile::tempdir()?;
    let calibration = match calibrate {
        Some(place) => {
            let models = CatalogueArguments {
                model_cache: Some(cache.folder().to_owned()),
                catalogue: own_catalogue.cloned(),
                ..CatalogueArguments::default()
            };
            Some(record(place, model, *runs, models, registry, folder.path())?)
        }
        None => None,
    };
    let shown = Shown::default();
    let puller = Puller::new(cache, &shown).offline(*offline).allowing(allowed);
    print(&puller.quantise(model, &precision.to_string(), calibration.as_ref())?);
    Ok(Exit::Done)
}

/// Runs some batches of what an output was made of, in this process and into a folder that goes again, and keeps what the model is given.
fn record(
    place: &str,
    model: &Model,
    runs: usize,
    models: CatalogueArguments,
    registry: Registry,
    folder: &Path,
) -> Result<Calibration, Failure> {
    let request = jobs::block_on(async {
        let ledger = Ledger::read(Output::parse(place)?).await?;
        output::request(&ledger).await?.ok_or_else(|| {
            Failure::usage(format!("{place} does not say what it was made of: run its command again, then calibrate"))
        })
    })?;
    let inputs = folder.join("inputs");
    std::fs::create_dir(&inputs)?;
    let recorder = Arc::new(Recorder::new(model.digest()?.to_string(), &inputs, runs));
    let mut request = JobRequest {
        output: folder.join("output").to_string_lossy().into_owned(),
        preview: Some(BATCHES),
        fresh: false,
        retry_failed: false,
        memory: None,
        models: ModelOptions { device: DeviceChoice::Cpu, precision: None, ..request.models.clone() },
        ..request
    };
    request.read_files(&registry)?;
    let mut arguments = ModelArguments::of_environment().map_err(Failure::configuration)?;
    arguments.device = DeviceChoice::Cpu;
    arguments.models.model_cache = models.model_cache;
    arguments.models.catalogue = models.catalogue.or(arguments.models.catalogue);
    arguments.recorder = Some(Arc::clone(&recorder));
    let threads = machine::cores();
    let model_runtime = Arc::new(ModelRuntime::new(&arguments, threads)?);
    let (cpu, _) = model_runtime.classes().map_err(JobError::from)?;
    let classes = Classes::of_process(cpu, None, registry.names());
    let resources = Resources { classes, memory: machine::default_memory(), models_installed: true };
    let prepared = PreparedJob::open(request, resources, Planner::new(registry, model_runtime))?;
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    in_process::runtime(threads)?.block_on(async {
        let job = RunningJob::begin(prepared).await?;
        let (progress, _shown) = watch::channel(Progress::default());
        in_process::run(job, threads, interrupted(), progress).await
    })?;
    match recorder.runs() {
        0 => {
            Err(Failure::usage(format!("no step of {place} runs {}: calibrate on an output whose steps do", model.id)))
        }
        _ => Ok(Calibration { runs: inputs, what: format!("frames of {place} as their stage prepared them") }),
    }
}

/// What was made, for people.
fn print(variant: &Variant) {
    let Variant { model, precision, sha256, size, compared_on, differences, speed, .. } = variant;
    println!("{model} in {precision}: {size} bytes, sha256 {sha256}");
    println!("jobs take it with --precision {precision}; compared on {compared_on}:");
    for difference in differences {
        let (mean, largest, spread) = (difference.mean, difference.largest, difference.spread);
        println!(
            "  {:<24} differs by {mean:.3e} on average, {largest:.3e} at most; its own spread is {spread:.3e}",
            difference.output
        );
    }
    match speed {
        Some(speed) if *speed < 1.0 => println!(
            "on this CPU it is slower: {speed:.2} times as fast as {model}; without --precision, jobs run {model} itself"
        ),
        Some(speed) => println!("on this CPU it is {speed:.2} times as fast as {model}"),
        None => {}
    }
}
