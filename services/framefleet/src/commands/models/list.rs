//! `framefleet models list`
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_models::{Cache, Catalogue, Model};
use serde_json::{Value, json};

/// Prints a table of models, or everything about them as JSON.
pub fn list(catalogue: &Catalogue, cache: &Cache, stage: Option<&str>, json: bool) -> Result<(), Failure> {
    let models: Vec<&Model> = match stage {
        Some(stage) => catalogue.by_stage(stage).collect(),
        None => catalogue.models().iter().collect(),
    };
    if json {
        let entries = models.iter().map(|model| entry(model, cache)).collect::<Result<Vec<_>, _>>()?;
        println!("{}", serde_json::to_string_pretty(&entries)?);
        return Ok(());
    }
    if let (Some(stage), []) = (stage, models.as_slice()) {
        println!("stage {stage} runs no models of the catalogue");
        return Ok(());
    }
    println!("{:<24} {:<20} {:<34} {:>10}  {:<10} default of", "model", "role", "licence", "size", "state");
    for model in models {
        let gate = if model.is_gated() { " (to be allowed)" } else { "" };
        println!(
            "{:<24} {:<20} {:<34} {:>10}  {:<10} {}",
            model.id,
            model.role,
            format!("{}{gate}", model.licence),
            model.size().map_or_else(|| "unknown".to_owned(), |size| ByteSize(size).to_string()),
            state(model, cache),
            default_of(model)
        );
    }
    Ok(())
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
        (Err(_), _) => "to pin",
        (Ok(_), Ok(_)) => "installed",
        (Ok(digest), Err(_)) if cache.path(digest).exists() => "damaged",
        (Ok(_), Err(_)) => "-",
    }
}

/// Stages and profiles that run it unless told otherwise.
fn default_of(model: &Model) -> String {
    let stages = model.stages.iter().filter(|(_, profiles)| !profiles.is_empty());
    let stages: Vec<String> = stages.map(|(stage, profiles)| format!("{stage} ({})", profiles.join(", "))).collect();
    stages.join(", ")
}
