//! What a stage says of itself, as one JSON document.
use framefleet_stage::{Needs, Registry, Stage};
use serde_json::{Map, Value, json};

/// Why a stage cannot be described; each is a mistake in the stage.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DescribeError {
    /// It cannot be registered.
    #[error(transparent)]
    Registry(#[from] framefleet_stage::RegistryError),
    /// Its default settings are refused.
    #[error(transparent)]
    Settings(#[from] framefleet_stage::SettingsError),
    /// Something of it is no JSON.
    #[error("the description is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Name, about, version, schema of the settings, profiles, and the needs under default settings.
pub(crate) fn describe<S: Stage>() -> Result<Value, DescribeError> {
    let registry = Registry::new().with::<S>()?;
    let stage = registry.get(S::NAME)?;
    let mut document = serde_json::to_value(stage.describe())?;
    document["needs"] = needs(&stage.resolve(None, &Map::new())?.needs)?;
    Ok(document)
}

/// Needs without the function that gives the size of frames made: it asks for an item.
fn needs(needs: &Needs) -> Result<Value, serde_json::Error> {
    let renditions: Vec<_> = needs.renditions.iter().map(|rendition| rendition.as_str_name()).collect();
    Ok(json!({
        "process": if needs.finish_only { Value::Null } else { serde_json::to_value(&needs.process)? },
        "finish": serde_json::to_value(&needs.finish)?,
        "renditions": renditions,
        "input": serde_json::to_value(needs.input)?,
        "halo": serde_json::to_value(needs.halo)?,
        "group": needs.group,
        "makes_frames": needs.made.is_some(),
    }))
}
