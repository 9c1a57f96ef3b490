//! What ends a bench. A combination that cannot run does not: it is a row that says so.
use framefleet_encode::EncodeError;
use framefleet_job::JobError;
use framefleet_stage::StageError;
use framefleet_vision::VisionError;
use std::path::PathBuf;

/// A bench cannot be done, or its results not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// An argument means nothing.
    #[error("{0}")]
    Argument(String),
    /// The source cannot be scaled.
    #[error("{source_name} cannot be scaled: {problem}")]
    Source {
        /// The source.
        source_name: String,
        /// Why, and what to do.
        problem: String,
    },
    /// The source cannot be read.
    #[error(transparent)]
    Reading(#[from] StageError),
    /// The scaled copy cannot be written.
    #[error("the scaled copy: {0}")]
    Encoding(#[from] EncodeError),
    /// A picture cannot be scaled.
    #[error("scaling a frame: {0}")]
    Scaling(#[from] VisionError),
    /// The pipeline is wrong.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file is no bench's.
    #[error("{}: no results of a bench: {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The table cannot be written.
    #[error("bench.csv: {0}")]
    Table(#[from] csv::Error),
    /// The page cannot be drawn.
    #[error("bench.html: {0}")]
    Page(#[from] minijinja::Error),
    /// No plan meets the target.
    #[error("{0}")]
    Target(String),
}

impl BenchError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
