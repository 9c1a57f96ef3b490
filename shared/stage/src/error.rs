//! What can go wrong in a stage, by what is to be done about it.

/// A task did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Something passing (a device out of memory): the task is tried again, with backoff.
    #[error("{0}")]
    Retry(String),
    /// The input cannot be processed and the stage does not know which frame is to blame; the runner locates it.
    /// A stage that knows calls [`crate::Outputs::fail`] and goes on.
    #[error("{0}")]
    BadInput(String),
    /// This process cannot go on: the task is handed back and the process exits 70.
    #[error("{0}")]
    Fatal(String),
}

impl StageError {
    /// Bad input, described by the error of a library.
    pub fn bad_input(error: impl std::fmt::Display) -> Self {
        Self::BadInput(error.to_string())
    }

    /// A failure of the machine, not of the input.
    pub fn retry(error: impl std::fmt::Display) -> Self {
        Self::Retry(error.to_string())
    }
}

/// A stage cannot be loaded here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(pub String);

/// Settings that are no settings of this stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No such stage.
    #[error("there is no stage \"{stage}\"; known stages: {known}")]
    UnknownStage {
        /// The name asked for.
        stage: String,
        /// The names there are, joined by ", ".
        known: String,
    },
    /// No such profile.
    #[error("stage {stage} has no profile \"{profile}\"; known profiles: {known}")]
    UnknownProfile {
        /// The stage.
        stage: String,
        /// The name asked for.
        profile: String,
        /// The names there are, joined by ", ".
        known: String,
    },
    /// No such key.
    #[error("stage {stage} has no setting \"{key}\"; known settings: {known}")]
    UnknownKey {
        /// The stage.
        stage: String,
        /// The key.
        key: String,
        /// The keys there are, joined by ", ".
        known: String,
    },
    /// A value of the wrong type.
    #[error("stage {stage}, setting {key}: {problem}")]
    Value {
        /// The stage.
        stage: String,
        /// The key.
        key: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// Values that parse and are refused all the same: out of range, or not fitting together.
    #[error("stage {stage}: {problem}")]
    Refused {
        /// The stage.
        stage: String,
        /// What is wrong and what is allowed; it names the setting.
        problem: String,
    },
}
