//! `framefleet models list`
use crate::args::ListArguments;
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_models::{Cache, Catalogue, Model, ModelError, role};
use serde_json::{Value, json};

/// What a model runs in by default when it does in all profiles.
const PROFILES: usize = 3;

/// Prints models by role, or everything about them as JSON.
pub fn list(catalogue: &Catalogue, cache: &Cache, request: &ListArguments) -> Result<(), Failure> {
    if let Some(role) = request.role.as_deref().filter(|role| catalogue.by_role(role).next().is_none()) {
        let mut known: Vec<&str> = catalogue.models().iter().map(|model| model.role.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        return Err(Failure::usage(format!("there is no role \"{role}\"; roles are {}", known.join(", "))));
    }
    let is_asked = |model: &&Model| {
        request.role.as_ref().is_none_or(|role| model.role == *role)
            && request.stage.as_ref().is_none_or(|stage| model.stages.contains_key(stage))
            && (!request.installed || cache.installed(model).is_ok())
    };
    let mut models: Vec<&Model> = catalogue.models().iter().filter(is_asked).collect();
    if request.json {
        let entries = models.iter().map(|model| entry(model, cache)).collect::<Result<Vec<_>, _>>()?;
        println!("{}", serde_json::to_string_pretty(&entries)?);
        return Ok(());
    }
    match (&request.stage, models.as_slice()) {
        (Some(stage), []) if !request.installed => println!("stage {stage} runs no models of the catalogue"),
        (_, []) => println!("no models"),
        _ => {
            models.sort_by_key(|model| role(&model.role).0);
            print(&models, cache);
        }
    }
    Ok(())
}

/// One heading for each role, one row for each model.
fn print(models: &[&Model], cache: &Cache) {
    for group in models.chunk_by(|a, b| a.role == b.role) {
        let about = role(&group[0].role).1;
        println!("{}{}{about}", group[0].role, if about.is_empty() { "" } else { ": " });
        for model in group {
            let size = model.size().map_or_else(|| "unknown".to_owned(), |size| ByteSize(size).to_string());
            let gate = if model.is_gated() { " (to be allowed)" } else { "" };
            let licence = format!("{}{gate}", model.licence);
            let row = format!("  {:<34} {size:>10}  {:<10} {licence}", model.id, state(model, cache));
            println!("{row}{}", default_of(model));
        }
    }
    let installed = models.iter().filter(|model| cache.installed(model).is_ok()).count();
    println!("{} models, {installed} installed", models.len());
}

fn entry(model: &Model, cache: &Cache) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(model)?;
    value["state"] = json!(state(model, cache));
    value["gated"] = json!(model.is_gated());
    Ok(value)
}

/// Whether a model is here, in a word.
fn state(model: &Model, cache: &Cache) -> &'static str {
    match (model.digest(), cache.installed(model)) {
        (Err(ModelError::NotConverted { .. }), _) => "to convert",
        (Err(_), _) => "to pin",
        (Ok(_), Ok(_)) => "installed",
        (Ok(digest), Err(_)) if cache.path(digest).exists() => "damaged",
        (Ok(_), Err(_)) => "-",
    }
}

/// Stages and profiles that run it when no setting names another.
fn default_of(model: &Model) -> String {
    let stages = model.stages.iter().filter(|(_, profiles)| !profiles.is_empty());
    let stages: Vec<String> = stages
        .map(|(stage, profiles)| match profiles.len() {
            PROFILES => stage.clone(),
            _ => format!("{stage} ({})", profiles.join(", ")),
        })
        .collect();
    if stages.is_empty() { String::new() } else { format!("; default of {}", stages.join(", ")) }
}
