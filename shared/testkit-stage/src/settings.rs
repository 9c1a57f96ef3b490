//! Settings of a stage, as the registry has them.
use framefleet_stage::{AnyStage, Half, Registry, Resolved, SetupError, Stage, complete, settings_of};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The settings that process is loaded with where the user gives these.
pub(crate) fn of_process<S: Stage>(settings: &S::Settings) -> Result<S::Settings, SetupError> {
    let resolved = resolved::<S>(settings)?;
    let given = settings_of(Half::Process, &resolved.settings, &resolved.finish_settings);
    complete(S::NAME, None, &given).map_err(|error| SetupError(error.to_string()))
}

/// Settings as the registry has them.
pub(crate) fn resolved<S: Stage>(settings: &S::Settings) -> Result<Resolved, SetupError> {
    let refused = |error: &dyn std::fmt::Display| SetupError(error.to_string());
    let object: Map<String, Value> =
        serde_json::to_value(settings).and_then(serde_json::from_value).map_err(|error| refused(&error))?;
    entry::<S>()?.resolve(None, &object).map_err(|error| refused(&error))
}

/// The stage as the registry knows it.
pub(crate) fn entry<S: Stage>() -> Result<Arc<dyn AnyStage>, SetupError> {
    let refused = |error: &dyn std::fmt::Display| SetupError(error.to_string());
    let registry = Registry::new().with::<S>().map_err(|error| refused(&error))?;
    registry.get(S::NAME).map(Arc::clone).map_err(|error| refused(&error))
}
