//! Which half reads which setting.
use crate::settings::{entry, resolved};
use crate::{Film, Processed, Step, StepError, variation};
use framefleet_stage::{Host, Stage, file};
use serde_json::Value;

/// Asserts that process makes the same of films whatever the settings are that are marked as finish's alone: the runner gives it
/// their defaults, and nobody may notice.
#[track_caller]
pub fn process_reads_no_finish_setting<S: Stage>(host: &Host, settings: &S::Settings, films: &[Film]) {
    assert_eq!(
        misread::<S>(host, settings, films),
        Ok(Vec::new()),
        "process of {} reads what is marked `only_finish`",
        S::NAME
    );
}

/// The settings marked as finish's alone that process reads, with the values that made it notice.
fn misread<S: Stage>(host: &Host, settings: &S::Settings, films: &[Film]) -> Result<Vec<(String, Value)>, String> {
    let stage = entry::<S>().map_err(|error| error.to_string())?;
    let given = resolved::<S>(settings).map_err(|error| error.to_string())?;
    let usual = made(&Step::<S>::load(host, settings).map_err(|error| error.to_string())?, films)?;
    // A file that finish alone reads is not there for process, whatever it is.
    let schema = stage.describe().schema;
    let chosen = given.finish_settings.iter().filter(|key| file::max_bytes(&schema, key).is_none());
    let other = |key: &String| Some((key.clone(), variation(stage.as_ref(), &given.settings, key)?));
    let others: Vec<(String, Value)> = chosen.clone().filter_map(other).collect();
    if others.len() < chosen.count() {
        return Err(format!("no other values are known of all of {:?}", given.finish_settings));
    }
    let with = |others: &[(String, Value)]| {
        let mut changed = given.settings.clone();
        changed.extend(others.iter().cloned());
        let changed = serde_json::from_value(Value::Object(changed)).map_err(|error| error.to_string())?;
        // As no runner loads it: process sees the user's settings of finish.
        made(&Step::<S>::load_unsplit(host, &changed).map_err(|error| error.to_string())?, films)
    };
    if with(&others)? == usual {
        return Ok(Vec::new());
    }
    let mut culprits = Vec::new();
    for other in &others {
        if with(std::slice::from_ref(other))? != usual {
            culprits.push(other.clone());
        }
    }
    Ok(culprits)
}

/// Everything that process made of films, written out.
fn made<S: Stage>(step: &Step<S>, films: &[Film]) -> Result<String, String> {
    let processed: Processed = step.process(films).map_err(|error: StepError| error.to_string())?;
    let mut text = format!("{:?}\n{:?}\n{:?}", processed.records.records, processed.frames, processed.artifacts);
    for (item, name, path) in &processed.records.attachments {
        let content = std::fs::read(path).map_err(|error| error.to_string())?;
        text.push_str(&format!("\n{item} {name} {}", blake3::hash(&content)));
    }
    Ok(text)
}
