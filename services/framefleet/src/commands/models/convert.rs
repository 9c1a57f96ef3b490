//! `framefleet models convert`
use super::announce::announce;
use super::progress::Shown;
use super::tensors::Tensors;
use crate::args::{ConvertArguments, ModelsArguments};
use crate::failure::Failure;
use framefleet_models::{Allowed, Cache, Catalogue, Model, ModelError, Puller};
use framefleet_service::Exit;

/// Exports what is asked for, one after the other; the first that fails ends it.
pub fn convert(
    request: &ConvertArguments,
    arguments: &ModelsArguments,
    catalogue: &Catalogue,
    cache: &Cache,
) -> Result<Exit, Failure> {
    let models = models(&request.ids, catalogue)?;
    let allowed = allowed(request, catalogue);
    models.iter().try_for_each(|model| allowed.check(model))?;
    let shown = Shown::default();
    let puller = Puller::new(cache, &shown).offline(request.fetch.offline).allowing(allowed);
    let puller = puller.from_folder(request.fetch.from.as_deref())?;
    announce(&puller.plan(&sources(&models, catalogue)?)?);
    let tensors = Tensors::new(arguments, cache)?;
    for model in models {
        let installed = puller.convert(catalogue, model)?;
        let compared = tensors.check(model, &installed)?;
        println!("{}: installed, {}{}", model.id, installed.digest, compared.remark());
    }
    Ok(Exit::Done)
}

/// The models asked for, each once.
fn models<'a>(ids: &[String], catalogue: &'a Catalogue) -> Result<Vec<&'a Model>, Failure> {
    let mut models: Vec<&Model> = Vec::new();
    for id in ids {
        let exported = catalogue.exported_of(id)?;
        if exported.is_empty() {
            let reason = "nothing is exported of it: `framefleet models pull` fetches what runs as it is".to_owned();
            return Err(ModelError::NothingToConvert { id: id.clone(), reason }.into());
        }
        for model in exported {
            if models.iter().all(|known| known.id != model.id) {
                models.push(model);
            }
        }
    }
    Ok(models)
}

/// What the user allowed; whoever allows a checkpoint allows what is exported of it.
fn allowed(request: &ConvertArguments, catalogue: &Catalogue) -> Allowed {
    let mut names = request.fetch.allow_licence.clone();
    for name in &request.fetch.allow_licence {
        let exported = catalogue.exported_of(name).unwrap_or_default();
        names.extend(exported.into_iter().map(|model| model.id.clone()));
    }
    Allowed::of(names)
}

fn checkpoints(model: &Model) -> impl Iterator<Item = &str> {
    let exports = model.files.iter().filter_map(|file| file.source.export());
    exports.flat_map(|export| export.checkpoints.iter().map(String::as_str))
}

/// The checkpoints of models, each once.
fn sources<'a>(models: &[&Model], catalogue: &'a Catalogue) -> Result<Vec<&'a Model>, Failure> {
    let mut sources: Vec<&Model> = Vec::new();
    for id in models.iter().flat_map(|model| checkpoints(model)) {
        if sources.iter().all(|known| known.id != id) {
            sources.push(catalogue.get(id)?);
        }
    }
    Ok(sources)
}
