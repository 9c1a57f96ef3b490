//! `framefleet stages`
use crate::args::{StagesArguments, StagesVerb};
use crate::failure::Failure;
use bytesize::ByteSize;
use framefleet_service::Exit;
use framefleet_stage::{Description, Registry, file, finish_settings};
use serde_json::{Map, Value};

/// Lists the stages, or shows one.
pub fn run(arguments: &StagesArguments, registry: &Registry) -> Result<Exit, Failure> {
    match &arguments.show {
        Some(StagesVerb::Show { stage, json }) => show(&describe(stage, registry)?, *json || arguments.json)?,
        None => list(registry, arguments.json)?,
    }
    Ok(Exit::Done)
}

/// Ingest is a stage to people, though not one of the registry.
fn describe(stage: &str, registry: &Registry) -> Result<Description, Failure> {
    if stage == ingest::NAME {
        return Ok(ingest::describe());
    }
    Ok(registry.get(stage)?.describe())
}

fn list(registry: &Registry, json: bool) -> Result<(), Failure> {
    let mut all = vec![ingest::describe()];
    for name in registry.names() {
        all.push(describe(name, registry)?);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for stage in all {
        println!("{:<16} {}", stage.name, stage.about);
    }
    Ok(())
}

fn show(stage: &Description, json: bool) -> Result<(), Failure> {
    if json {
        println!("{}", serde_json::to_string_pretty(stage)?);
        return Ok(());
    }
    println!("{} (version {})\n{}\n", stage.name, stage.version, stage.about);
    let defaults = stage.profiles.get("balanced").cloned().unwrap_or_default();
    println!("settings (--set {}.<key>=<value>):", stage.name);
    for (key, default) in &defaults {
        println!("  {key} = {default}");
        for line in meaning(&stage.schema, key).lines() {
            println!("      {line}");
        }
    }
    for (profile, settings) in stage.profiles.iter().filter(|(name, _)| *name != "balanced") {
        println!("profile {profile}: {}", differences(&defaults, settings));
    }
    Ok(())
}

/// What a setting means: its documentation comment, by way of the schema; for a choice, the values and theirs; whether it names a file, and
/// whether changing it leaves what was done per frame as it is.
pub fn meaning(schema: &Value, key: &str) -> String {
    let property = &schema["properties"][key];
    let mut text = property["description"].as_str().unwrap_or_default().to_owned();
    let reference = property["$ref"].as_str().or_else(|| property["allOf"][0]["$ref"].as_str());
    let definition = reference.and_then(|path| schema.pointer(path.trim_start_matches('#'))).unwrap_or(property);
    let choices = definition["oneOf"].as_array().into_iter().flatten();
    for choice in choices {
        if let Some(value) = choice["const"].as_str() {
            text.push_str(&format!("\n{value}: {}", choice["description"].as_str().unwrap_or_default()));
        }
    }
    if let Some(values) = definition["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        text.push_str(&format!("\none of: {}", values.join(", ")));
    }
    if let Some(limit) = file::max_bytes(schema, key) {
        text.push_str(&format!("\nA file of at most {}.", ByteSize(limit)));
    }
    if finish_settings(schema).contains(key) {
        text.push_str("\nChanges finish only.");
    }
    text
}

/// The settings of a profile that differ from the defaults.
pub fn differences(defaults: &Map<String, Value>, settings: &Map<String, Value>) -> String {
    let differing = settings.iter().filter(|(key, value)| defaults.get(*key) != Some(value));
    let parts: Vec<String> = differing.map(|(key, value)| format!("{key} = {value}")).collect();
    if parts.is_empty() { "as the defaults".to_owned() } else { parts.join(", ") }
}
