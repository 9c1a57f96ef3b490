//! `framefleet models pull`
use super::announce::announce;
use super::progress::Shown;
use super::tensors::{Compared, Tensors};
use crate::args::{ModelsArguments, PullArguments};
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_job::PipelineChoice;
use framefleet_models::{Allowed, Cache, Catalogue, Format, Model, Pins, Puller, Sha256};
use framefleet_pipeline::Step;
use framefleet_service::Exit;
use framefleet_stage::{ModelNeed, Registry};
use serde_json::Value;
use std::path::Path;

/// What exists where NVIDIA's driver is loaded.
const NVIDIA_DRIVER: &str = "/proc/driver/nvidia/version";

/// Fetches what is asked for; continues after a failure, so that one model that cannot be had does not keep others away.
pub fn pull(
    arguments: &PullArguments,
    places: &ModelsArguments,
    registry: &Registry,
    mut catalogue: Catalogue,
    cache: &Cache,
) -> Result<Exit, Failure> {
    if arguments.ids.is_empty() && arguments.stages.is_empty() && arguments.pipeline.is_none() {
        let how = "name models (`framefleet models list`), or say --stages or --pipeline";
        return Err(Failure::usage(how));
    }
    let pins = pin(arguments, &mut catalogue, cache)?;
    let models = models(arguments, registry, &catalogue)?;
    if models.is_empty() {
        println!("nothing to fetch: no models run there");
    }
    let shown = Shown::default();
    let allowed = Allowed::of(&arguments.fetch.allow_licence);
    // Before anything is fetched: a refusal in the middle would come late.
    models.iter().try_for_each(|model| allowed.check(model))?;
    let puller = Puller::new(cache, &shown).offline(arguments.fetch.offline).allowing(allowed);
    let puller = puller.from_folder(arguments.fetch.from.as_deref())?;
    announce(&puller.plan(&models)?);
    let tensors = Tensors::new(places, cache)?;
    let mut failures = Vec::new();
    for model in models {
        let was_here = cache.installed(model).is_ok();
        let pulled = puller.pull(model).map_err(Failure::from);
        if pulled.is_ok() {
            println!("{}: {}", model.id, if was_here { "is installed".to_owned() } else { fetched(model) });
        }
        let compared = pulled.and_then(|installed| match was_here {
            true => Ok(Compared::Nothing),
            false => tensors.check(model, &installed),
        });
        failures.extend(compared.err());
    }
    if let (Some(pins), []) = (pins, failures.as_slice()) {
        cache.keep_pins(&pins)?;
    }
    match failures.len() {
        0 => Ok(Exit::Done),
        1 => Err(failures.remove(0)),
        count => {
            let messages: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
            Err(Failure::failed(format!("{count} models could not be had:\n  {}", messages.join("\n  "))))
        }
    }
}

fn fetched(model: &Model) -> String {
    let size = model.size().map_or_else(String::new, |size| format!(", {}", ByteSize(size)));
    format!("installed{size}")
}

/// Adds the digests that the user states to the catalogue. They are kept once something of that digest has come.
fn pin(arguments: &PullArguments, catalogue: &mut Catalogue, cache: &Cache) -> Result<Option<Pins>, Failure> {
    let [first, ..] = arguments.sha256.as_slice() else { return Ok(None) };
    let [id] = arguments.ids.as_slice() else {
        return Err(Failure::usage(format!("--sha256 {first}: name one model that it belongs to")));
    };
    let mut pins = cache.pins()?;
    for stated in &arguments.sha256 {
        let (file, digest) =
            stated.rsplit_once('=').map_or((None, stated.as_str()), |(file, digest)| (Some(file), digest));
        let digest: Sha256 = digest.parse().map_err(|reason| Failure::usage(format!("--sha256: {reason}")))?;
        catalogue.pin(id, file, digest, &mut pins)?;
    }
    Ok(Some(pins))
}

/// The models asked for, each once.
fn models<'a>(
    arguments: &PullArguments,
    registry: &Registry,
    catalogue: &'a Catalogue,
) -> Result<Vec<&'a Model>, Failure> {
    let mut models = arguments.ids.iter().map(|id| catalogue.get(id)).collect::<Result<Vec<_>, _>>()?;
    let mut by_steps: Vec<&Model> = Vec::new();
    for step in steps(arguments, registry, catalogue)? {
        by_steps.extend(of_step(&step, registry, catalogue)?);
    }
    if by_steps.iter().any(|model| model.format == Format::Onnx) {
        models.push(catalogue.onnx_runtime(Path::new(NVIDIA_DRIVER).exists())?);
    }
    for model in by_steps {
        if models.iter().all(|known| known.id != model.id) {
            models.push(model);
        }
    }
    Ok(models)
}

/// The steps whose models are wanted.
fn steps(arguments: &PullArguments, registry: &Registry, catalogue: &Catalogue) -> Result<Vec<Step>, Failure> {
    if let Some(pipeline) = &arguments.pipeline {
        return Ok(PipelineChoice::named(Some(pipeline))?.with_settings(&[], registry)?.steps);
    }
    // A stage may run elsewhere and be known to the catalogue alone.
    let known: Vec<&str> = registry.names().collect();
    let (here, elsewhere): (Vec<String>, Vec<String>) =
        arguments.stages.iter().cloned().partition(|stage| known.contains(&stage.as_str()));
    let mut steps = Vec::new();
    if !here.is_empty() {
        steps = PipelineChoice::Stages(here).with_settings(&[], registry)?.steps;
    }
    for stage in elsewhere {
        if catalogue.by_stage(&stage).next().is_none() {
            let known = known.join(", ");
            return Err(Failure::usage(format!(
                "there is no stage \"{stage}\" here or in the catalogue; here are: {known}"
            )));
        }
        steps.push(Step::of_stage(&stage));
    }
    for step in &mut steps {
        step.profile.get_or_insert_with(|| arguments.profile.clone());
    }
    Ok(steps)
}

/// What a step runs: what its stage says, where it is known here; else the models that its settings name, and for other roles
/// the defaults of its profile.
fn of_step<'a>(step: &Step, registry: &Registry, catalogue: &'a Catalogue) -> Result<Vec<&'a Model>, Failure> {
    let profile = step.profile.as_deref().unwrap_or("balanced");
    if let Ok(stage) = registry.get(&step.stage) {
        let resolved = stage.resolve(Some(profile), &step.settings).map_err(Failure::configuration)?;
        let chosen = |need: &ModelNeed| catalogue.choose(&step.stage, &need.role, profile, need.choice.as_deref());
        return Ok(resolved.needs.models.iter().map(chosen).collect::<Result<_, _>>()?);
    }
    let named: Vec<&Model> =
        step.settings.values().filter_map(Value::as_str).filter_map(|id| catalogue.get(id).ok()).collect();
    let by_default = catalogue.defaults(&step.stage, profile);
    let others = by_default.filter(|model| named.iter().all(|named| named.role != model.role));
    Ok(others.chain(named.iter().copied()).collect())
}
