//! Why there is no selection.
use framefleet_ledger::LedgerError;
use framefleet_objects::ObjectsError;
use framefleet_vision::VisionError;

/// A selection cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// Nothing of the output is a person or thing.
    #[error("no step of this output makes subject, mask, pose or face, of which a selection is made")]
    NoObjects,
    /// The sharpest are asked for, and nothing says how sharp anything is.
    #[error(
        "nothing that was chosen has a face whose sharpness was measured: run face-clustering, or leave --sharpest out"
    )]
    NoSharpness,
    /// Nobody is called so.
    #[error("nobody in this output is \"{wanted}\"; known: {known}")]
    Unknown {
        /// The name or number.
        wanted: String,
        /// Those there are, joined by ", ".
        known: String,
    },
    /// There is no selection of this name.
    #[error("the output has no selection \"{0}\"; framefleet select makes one")]
    Missing(String),
    /// A name that is no file name.
    #[error("\"{0}\" cannot be the name of a selection: it is one part of a path")]
    Name(String),
    /// A selection's file that is none.
    #[error("{path} line {line}: {reason}")]
    File {
        /// The file, below the output.
        path: String,
        /// From 1.
        line: usize,
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
    /// Reading or writing the output.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A row that is no record.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// Comparing or drawing pictures.
    #[error(transparent)]
    Vision(#[from] VisionError),
}

impl From<opencv::Error> for SelectionError {
    fn from(error: opencv::Error) -> Self {
        Self::Vision(error.into())
    }
}
