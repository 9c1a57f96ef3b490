//! `framefleet models verify`
use super::tensors::Tensors;
use crate::args::ModelsArguments;
use crate::failure::Failure;
use framefleet_models::{Cache, Catalogue, Model};
use framefleet_service::Exit;

/// Hashes every byte of what is installed, or of what is named, and compares tensors with the catalogue.
pub fn verify(
    catalogue: &Catalogue,
    cache: &Cache,
    arguments: &ModelsArguments,
    ids: &[String],
) -> Result<Exit, Failure> {
    let is_here = |model: &&Model| model.digest().is_ok_and(|digest| cache.path(digest).exists());
    let models: Vec<&Model> = match ids {
        [] => catalogue.models().iter().filter(is_here).collect(),
        ids => ids.iter().map(|id| catalogue.get(id)).collect::<Result<_, _>>()?,
    };
    let tensors = Tensors::new(arguments, cache)?;
    let mut problems = 0;
    for model in &models {
        let found = cache.verify(model).map_err(Failure::from);
        match found.and_then(|installed| Ok((tensors.check(model, &installed)?, installed))) {
            Ok((compared, installed)) => println!("{:<24} sound, {}{}", model.id, installed.digest, compared.remark()),
            Err(problem) => {
                problems += 1;
                println!("{:<24} {}", model.id, problem.message);
            }
        }
    }
    println!("{} models, {problems} problems", models.len());
    Ok(if problems == 0 { Exit::Done } else { Exit::Failed })
}
