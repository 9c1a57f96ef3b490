//! Why an export cannot be made.
use crate::Format;
use framefleet_coco::CocoError;
use framefleet_encode::EncodeError;
use framefleet_ledger::LedgerError;
use framefleet_objects::ObjectsError;
use framefleet_vision::VisionError;
use std::path::{Path, PathBuf};

/// An export cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such format.
    #[error("there is no format \"{name}\"; known formats: {known}")]
    UnknownFormat {
        /// What was asked for.
        name: String,
        /// The formats there are, joined by ", ".
        known: String,
    },
    /// The output has nothing for the format.
    #[error("no step of this output makes {}, which {format} shows; its steps are: {steps}", format.kinds().join(" or "))]
    NoStep {
        /// What was to be written.
        format: Format,
        /// The steps there are, joined by ", ".
        steps: String,
    },
    /// More than one step fits.
    #[error("several steps make what {format} shows ({fitting}): choose one with --step")]
    SeveralSteps {
        /// What was to be written.
        format: Format,
        /// The steps that fit, joined by ", ".
        fitting: String,
    },
    /// The named step has nothing for the format.
    #[error("there is no step \"{step}\" that makes what {format} shows; steps that do: {fitting}")]
    WrongStep {
        /// The step asked for.
        step: String,
        /// What was to be written.
        format: Format,
        /// The steps that fit, joined by ", ".
        fitting: String,
    },
    /// A record is not what its kind says.
    #[error("{item} frame {frame}: its {kind} cannot be read: {reason}")]
    Record {
        /// The item.
        item: String,
        /// The frame.
        frame: u64,
        /// The annotation's kind.
        kind: String,
        /// What is wrong.
        reason: String,
    },
    /// The source cannot be read (any more).
    #[error("{item} frame {frame}: no picture: {reason}; is the source still where the job read it?")]
    Picture {
        /// The item.
        item: String,
        /// The frame.
        frame: u64,
        /// What is wrong.
        reason: String,
    },
    /// A caption's template is none.
    #[error("the caption \"{template}\": {reason}")]
    Caption {
        /// The template.
        template: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A table cannot be written.
    #[error("{}: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The library's answer.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// An item's name is no path inside a folder.
    #[error("the item name \"{0}\" cannot be a file name here")]
    Name(String),
    /// Reading the output.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A row that is no record.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// coco.json.
    #[error(transparent)]
    Coco(#[from] CocoError),
    /// Encoding pictures.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Drawing.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// A value that is no JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

impl From<opencv::Error> for ExportError {
    fn from(error: opencv::Error) -> Self {
        Self::Vision(error.into())
    }
}

impl ExportError {
    /// What becomes of an error in writing `path`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
