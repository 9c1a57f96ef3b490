//! Models that a stage cannot do without.
use framefleet_infer::{Session, StepModels};
use framefleet_stage::{Host, SetupError, Stage};

/// Opens the model that the plan names for a role of the stage.
///
/// # Errors
/// A machine that runs no models, a role that the plan has no model for, and a model that cannot be opened.
pub fn require<S: Stage>(host: &Host, role: &str) -> Result<Session, SetupError> {
    let stage = S::NAME;
    let models = host.get::<StepModels>().ok_or_else(|| {
        SetupError(format!(
            "stage {stage} needs a model for {role}, and this machine runs no models: `framefleet doctor` says what is missing \
             and how to install it"
        ))
    })?;
    models.open(role).map_err(|error| SetupError(format!("stage {stage}, model for {role}: {error}")))
}

/// Opens the model for a role that finish alone runs; `None` where the stage is loaded for process, which is not given it.
///
/// # Errors
/// A model that cannot be opened.
pub fn of_finish<S: Stage>(host: &Host, role: &str) -> Result<Option<Session>, SetupError> {
    let is_given = host.get::<StepModels>().is_some_and(|models| models.has(role));
    is_given.then(|| require::<S>(host, role)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_stage::{Batch, Job, Needs, Outputs, Settings, StageError};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
    struct None;

    impl Settings for None {}

    struct Detection;

    impl Stage for Detection {
        const NAME: &'static str = "detection";
        const ABOUT: &'static str = "a test";
        const VERSION: u32 = 1;
        type Settings = None;

        fn needs(_: &None) -> Needs {
            Needs::default()
        }

        fn load(_: &Host, _: &None) -> Result<Self, SetupError> {
            Ok(Self)
        }

        fn process(&self, _: &Job, _: &Batch, _: &mut Outputs) -> Result<(), StageError> {
            Ok(())
        }
    }

    #[test]
    fn a_machine_without_models_is_told_what_needs_which_and_what_to_do() {
        let error = require::<Detection>(&Host::default(), "object-detection").unwrap_err().to_string();
        for part in ["detection", "object-detection", "framefleet doctor"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
