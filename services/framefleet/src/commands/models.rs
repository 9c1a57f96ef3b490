//! `framefleet models`
mod list;
mod progress;
mod pull;

use crate::args::{ModelsArguments, ModelsVerb};
use crate::failure::Failure;
use framefleet_models::{Cache, Catalogue, Model, ModelError, recipe_script};
use framefleet_service::Exit;
use framefleet_stage::Registry;

/// Lists, fetches and checks models.
pub fn run(arguments: &ModelsArguments, registry: &Registry) -> Result<Exit, Failure> {
    let folder = arguments.cache.clone().map_or_else(Cache::default_folder, Ok)?;
    let cache = Cache::new(std::path::absolute(folder)?);
    let catalogue = catalogue(arguments)?.with_pins(&cache.pins()?);
    match &arguments.verb {
        ModelsVerb::List { stage, json } => list::list(&catalogue, &cache, stage.as_deref(), *json)?,
        ModelsVerb::Pull(request) => return pull::pull(request, registry, catalogue, &cache),
        ModelsVerb::Verify { ids } => return verify(&catalogue, &cache, ids),
        ModelsVerb::Where { id } => print_where(&catalogue, &cache, id.as_deref())?,
        ModelsVerb::ExportRecipe { id } => print!("{}", recipe_script(catalogue.get(id)?)?),
    }
    Ok(Exit::Done)
}

/// The program's catalogue, and the user's.
fn catalogue(arguments: &ModelsArguments) -> Result<Catalogue, ModelError> {
    let built_in = Catalogue::built_in()?;
    match &arguments.catalogue {
        Some(file) => built_in.with_file(file),
        None => Ok(built_in),
    }
}

/// Hashes every byte of what is installed, or of what is named.
fn verify(catalogue: &Catalogue, cache: &Cache, ids: &[String]) -> Result<Exit, Failure> {
    let is_here = |model: &&Model| model.digest().is_ok_and(|digest| cache.path(digest).exists());
    let models: Vec<&Model> = match ids {
        [] => catalogue.models().iter().filter(is_here).collect(),
        ids => ids.iter().map(|id| catalogue.get(id)).collect::<Result<_, _>>()?,
    };
    let mut problems = 0;
    for model in &models {
        match cache.verify(model) {
            Ok(installed) => println!("{:<24} sound, {}", model.id, installed.digest),
            Err(problem) => {
                problems += 1;
                println!("{:<24} {problem}", model.id);
            }
        }
    }
    println!("{} models, {problems} problems", models.len());
    Ok(if problems == 0 { Exit::Done } else { Exit::Failed })
}

fn print_where(catalogue: &Catalogue, cache: &Cache, id: Option<&str>) -> Result<(), Failure> {
    let Some(id) = id else {
        println!("{}", cache.folder().display());
        return Ok(());
    };
    for file in cache.installed(catalogue.get(id)?)?.files {
        println!("{}", file.path.display());
    }
    Ok(())
}
