//! The one place where the types of stages are erased: the runner and the planner see names, JSON and these traits.
use crate::{
    Batch, Field, FileNeed, Host, Job, Needs, Outputs, Records, Settings, SettingsError, SetupError, Stage, StageError,
    file, finish_settings,
};
use framefleet_frames::Item;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

/// Items that are named where settings ask for what they do not have.
const NAMED: usize = 5;

/// What a stage says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// Raised when answers change.
    pub version: u32,
    /// JSON schema of the settings; property descriptions are the settings' documentation.
    pub schema: Value,
    /// Profiles and their complete settings, `balanced` first.
    pub profiles: BTreeMap<String, Map<String, Value>>,
    /// What reports show of its results, most telling first.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// Settings made complete, and what follows from them.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Every setting with its value.
    pub settings: Map<String, Value>,
    /// What the stage needs under these settings.
    pub needs: Needs,
    /// Raised when answers change.
    pub version: u32,
    /// The settings that finish alone reads.
    pub finish_settings: BTreeSet<String>,
    /// The files that settings name.
    pub files: Vec<FileNeed>,
}

/// A loaded stage.
pub trait LoadedStage: Send + Sync {
    /// See [`Stage::process`].
    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError>;
    /// See [`Stage::finish`].
    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError>;
}

impl<S: Stage> LoadedStage for S {
    fn process(&self, job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        Stage::process(self, job, batch, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        Stage::finish(self, job, records, out)
    }
}

/// A stage by name.
pub trait AnyStage: Send + Sync {
    /// What the stage says of itself.
    fn describe(&self) -> Description;

    /// Raised when its answers change.
    fn version(&self) -> u32;

    /// Completes settings: those of the profile (`balanced` when `None`), overlaid with `given`.
    fn resolve(&self, profile: Option<&str>, given: &Map<String, Value>) -> Result<Resolved, SettingsError>;

    /// Refuses settings that ask for what an item does not have, in [`Resolved::settings`]' form; every item is checked, the reasons are listed.
    fn check_items(&self, settings: &Map<String, Value>, items: &[Item]) -> Result<(), SettingsError>;

    /// Refuses the content of a file that a setting names, where it is no such file as the stage can use.
    fn check_file(&self, setting: &str, content: &[u8]) -> Result<(), String>;

    /// Loads the stage with settings; those that are not given have their defaults.
    fn load(&self, host: &Host, settings: &Map<String, Value>) -> Result<Arc<dyn LoadedStage>, SetupError>;
}

/// Two stages of one name.
#[derive(Debug, thiserror::Error)]
#[error("two stages are registered under the name \"{0}\"")]
pub struct RegistryError(pub String);

/// The stages of this program, by name. (The source stage is not among them: there is one, and the program names it.)
#[derive(Clone, Default)]
pub struct Registry {
    stages: BTreeMap<&'static str, Arc<dyn AnyStage>>,
}

impl Registry {
    /// A registry without stages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stage.
    pub fn with<S: Stage>(mut self) -> Result<Self, RegistryError> {
        match self.stages.insert(S::NAME, Arc::new(Entry::<S>(PhantomData))) {
            None => Ok(self),
            Some(_) => Err(RegistryError(S::NAME.to_owned())),
        }
    }

    /// The stage of this name.
    pub fn get(&self, name: &str) -> Result<&Arc<dyn AnyStage>, SettingsError> {
        self.stages.get(name).ok_or_else(|| SettingsError::UnknownStage {
            stage: name.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })
    }

    /// What all stages say of themselves, in order of their names.
    pub fn describe(&self) -> impl Iterator<Item = Description> + '_ {
        self.stages.values().map(|stage| stage.describe())
    }

    /// Names of all stages, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.stages.keys().copied()
    }
}

/// Remembers the type of a stage.
struct Entry<S>(PhantomData<fn() -> S>);

impl<S: Stage> AnyStage for Entry<S> {
    fn version(&self) -> u32 {
        S::VERSION
    }

    fn describe(&self) -> Description {
        Description {
            name: S::NAME.to_owned(),
            about: S::ABOUT.to_owned(),
            version: S::VERSION,
            schema: schema::<S::Settings>(),
            profiles: profiles::<S::Settings>(),
            fields: S::FIELDS.to_vec(),
        }
    }

    fn resolve(&self, profile: Option<&str>, given: &Map<String, Value>) -> Result<Resolved, SettingsError> {
        let typed = complete::<S::Settings>(S::NAME, profile, given)?;
        let (settings, schema) = (object(&typed), schema::<S::Settings>());
        let finish_settings = finish_settings(&schema);
        let files = file::needs(&schema, &settings, &finish_settings);
        Ok(Resolved { settings, needs: S::needs(&typed), version: S::VERSION, finish_settings, files })
    }

    fn check_items(&self, settings: &Map<String, Value>, items: &[Item]) -> Result<(), SettingsError> {
        let typed = complete::<S::Settings>(S::NAME, None, settings)?;
        let problems: Vec<String> = items.iter().filter_map(|item| typed.check_item(item).err()).collect();
        let named = problems.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
        match problems.len().saturating_sub(NAMED) {
            0 if problems.is_empty() => Ok(()),
            0 => Err(SettingsError::Refused { stage: S::NAME.to_owned(), problem: named }),
            more => Err(SettingsError::Refused {
                stage: S::NAME.to_owned(),
                problem: format!("{named}; and {more} items more"),
            }),
        }
    }

    fn check_file(&self, setting: &str, content: &[u8]) -> Result<(), String> {
        S::Settings::check_file(setting, content)
    }

    fn load(&self, host: &Host, settings: &Map<String, Value>) -> Result<Arc<dyn LoadedStage>, SetupError> {
        let typed = complete::<S::Settings>(S::NAME, None, settings).map_err(|error| SetupError(error.to_string()))?;
        Ok(Arc::new(S::load(host, &typed)?))
    }
}

/// The JSON schema of a settings type.
fn schema<T: Settings>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Profiles of a settings type as complete objects.
fn profiles<T: Settings>() -> BTreeMap<String, Map<String, Value>> {
    let mut all = BTreeMap::from([("balanced".to_owned(), object(&T::default()))]);
    all.extend(T::profiles().iter().map(|(name, settings)| ((*name).to_owned(), object(settings))));
    all
}

/// Settings of a profile with `given` laid over them, checked key by key so that the message names the culprit.
pub fn complete<T: Settings>(
    stage: &str,
    profile: Option<&str>,
    given: &Map<String, Value>,
) -> Result<T, SettingsError> {
    let profiles = profiles::<T>();
    let name = profile.unwrap_or("balanced");
    let mut settings = profiles.get(name).cloned().ok_or_else(|| SettingsError::UnknownProfile {
        stage: stage.to_owned(),
        profile: name.to_owned(),
        known: profiles.keys().cloned().collect::<Vec<_>>().join(", "),
    })?;
    let wrong =
        |key: &str, problem: String| SettingsError::Value { stage: stage.to_owned(), key: key.to_owned(), problem };
    for (key, value) in given {
        if !settings.contains_key(key) {
            return Err(SettingsError::UnknownKey {
                stage: stage.to_owned(),
                key: key.clone(),
                known: settings.keys().cloned().collect::<Vec<_>>().join(", "),
            });
        }
        settings.insert(key.clone(), value.clone());
        serde_json::from_value::<T>(Value::Object(settings.clone()))
            .map_err(|error| wrong(key, format!("{error} (given: {value})")))?;
    }
    let refused = |problem: String| SettingsError::Refused { stage: stage.to_owned(), problem };
    let typed: T = serde_json::from_value(Value::Object(settings)).map_err(|error| refused(error.to_string()))?;
    typed.validate().map_err(refused)?;
    Ok(typed)
}

/// Settings as a JSON object; a settings type is a struct, so that is what serde makes of it.
fn object<T: Settings>(settings: &T) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}
