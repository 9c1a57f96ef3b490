//! Why a step ended.
use framefleet_stage::StageError;
use framefleet_vision::VisionError;

/// A step did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The stage gave up.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The stage made what nobody would be given.
    #[error("{half} makes \"{kind}\", which the stage's needs do not name: add it to `{half}.makes`")]
    Undeclared {
        /// The half of the stage.
        half: &'static str,
        /// What it made.
        kind: String,
    },
    /// The stage made frames that nobody would be given.
    #[error("process makes frames, which the stage's needs do not name: set `made`")]
    Frames,
    /// The stage made a frame that is not as its needs say.
    #[error("{0}")]
    Made(String),
    /// Statistics or an amendment are no JSON.
    #[error("statistics and amendments have to be JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A proxy cannot be made.
    #[error("a proxy cannot be made: {0}")]
    Proxy(#[from] VisionError),
    /// Files of a task.
    #[error("a task's files: {0}")]
    Io(#[from] std::io::Error),
}
