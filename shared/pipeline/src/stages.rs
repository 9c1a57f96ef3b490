//! What a plan asks of the stages there are. The orchestrator links no stage: it may answer from what workers announce.
use crate::Half;
use framefleet_frames::{Item, Kind};
use framefleet_stage::{Description, HalfNeeds, Needs, Registry, Resolved, SettingsError};
use serde_json::{Map, Value};

/// The stages that a pipeline may use, by name.
pub trait Stages {
    /// Completes a stage's settings and says what follows from them.
    fn resolve(
        &self,
        stage: &str,
        profile: Option<&str>,
        settings: &Map<String, Value>,
    ) -> Result<Resolved, SettingsError>;

    /// Refuses settings that ask for what an item does not have.
    fn check_items(&self, stage: &str, settings: &Map<String, Value>, items: &[Item]) -> Result<(), SettingsError>;

    /// Names of all stages, in order.
    fn names(&self) -> Vec<String>;

    /// What a stage says of itself.
    fn describe(&self, stage: &str) -> Result<Description, SettingsError>;
}

impl Stages for Registry {
    fn resolve(
        &self,
        stage: &str,
        profile: Option<&str>,
        settings: &Map<String, Value>,
    ) -> Result<Resolved, SettingsError> {
        self.get(stage)?.resolve(profile, settings)
    }

    fn check_items(&self, stage: &str, settings: &Map<String, Value>, items: &[Item]) -> Result<(), SettingsError> {
        self.get(stage)?.check_items(settings, items)
    }

    fn names(&self) -> Vec<String> {
        Registry::names(self).map(str::to_owned).collect()
    }

    fn describe(&self, stage: &str) -> Result<Description, SettingsError> {
        self.get(stage).map(|stage| stage.describe())
    }
}

/// What a half reads and makes; nothing for a process half that is not there.
pub(crate) fn half_needs(needs: &Needs, half: Half) -> Option<&HalfNeeds> {
    match half {
        Half::Process => (!needs.finish_only).then_some(&needs.process),
        Half::Finish => Some(&needs.finish),
    }
}

/// Whether a half makes a kind.
pub(crate) fn makes(needs: &Needs, half: Half, kind: &Kind) -> bool {
    half_needs(needs, half).is_some_and(|half| half.makes.contains(kind))
}

/// Whether a stage makes frames.
pub(crate) fn makes_frames(needs: &Needs) -> bool {
    needs.made.is_some() && !needs.finish_only
}

/// Stages that make a kind with their default settings in one of these halves, by name.
pub(crate) fn makers_of(stages: &dyn Stages, kind: &Kind, halves: &[Half]) -> Vec<String> {
    let makes_it = |name: &String| {
        stages
            .resolve(name, None, &Map::new())
            .is_ok_and(|stage| halves.iter().any(|half| makes(&stage.needs, *half, kind)))
    };
    stages.names().into_iter().filter(makes_it).collect()
}
