//! `framefleet models`
mod announce;
mod convert;
mod list;
mod progress;
mod pull;
mod quantise;
mod tensors;
mod verify;

use crate::args::{ModelsArguments, ModelsVerb};
use crate::failure::Failure;
use framefleet_models::{Cache, Catalogue, ModelError, recipe_script};
use framefleet_service::Exit;
use framefleet_stage::Registry;

/// Lists, fetches and checks models.
pub fn run(arguments: &ModelsArguments, registry: &Registry) -> Result<Exit, Failure> {
    let folder = arguments.cache.clone().map_or_else(Cache::default_folder, Ok)?;
    let cache = Cache::new(std::path::absolute(folder)?);
    let catalogue = catalogue(arguments)?.with_pins(&cache.pins()?);
    match &arguments.verb {
        ModelsVerb::List(request) => list::list(&catalogue, &cache, request)?,
        ModelsVerb::Pull(request) => return pull::pull(request, arguments, registry, catalogue, &cache),
        ModelsVerb::Convert(request) => return convert::convert(request, arguments, &catalogue, &cache),
        ModelsVerb::Quantise(request) => {
            let own = arguments.catalogue.as_ref();
            return quantise::quantise(request, own, registry.clone(), &catalogue, &cache);
        }
        ModelsVerb::Verify { ids } => return verify::verify(&catalogue, &cache, arguments, ids),
        ModelsVerb::Where { id } => print_where(&catalogue, &cache, id.as_deref())?,
        ModelsVerb::ExportRecipe { id } => print!("{}", recipe_script(&catalogue, catalogue.get(id)?)?),
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
