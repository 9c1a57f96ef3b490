//! What can go wrong with an output, by what a person does about it.
use crate::TaskKey;
use std::path::PathBuf;

/// The ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Text that names no output.
    #[error("\"{url}\" is no place for an output: {reason}")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The place holds other things.
    #[error(
        "{output} is not empty and is no output of framefleet (it holds \"{found}\"): give an empty or new place with --output"
    )]
    NotAnOutput {
        /// The place.
        output: String,
        /// Something found there.
        found: String,
    },
    /// Nothing is there to be read.
    #[error("{output} holds no output of framefleet: run a job into it first")]
    NoOutput {
        /// The place.
        output: String,
    },
    /// A file lies where a folder has to be.
    #[error("{path} is a file where the output needs a folder: move it away or give another --output")]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder cannot be read or written.
    #[error(
        "cannot {action} {path}: {source}; check that the folder exists, is writable and has space, or give another --output"
    )]
    Access {
        /// What was tried: "create", "write", …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Another living process works on this output.
    #[error(
        "{output} is being worked on by process {pid} on {host} since {since}: wait for it, stop it, or give another --output"
    )]
    Owned {
        /// The place.
        output: String,
        /// Its process id; 0 when it has not said so yet.
        pid: u32,
        /// Its machine.
        host: String,
        /// When it began, RFC 3339, UTC.
        since: String,
    },
    /// The lease on the output ran out and another process may own it now.
    #[error("the lease on {output} was lost ({reason}): stop, and run the job again once the other owner is done")]
    LeaseLost {
        /// The place.
        output: String,
        /// How that came to light.
        reason: String,
    },
    /// A worker's task was handed out by an owner that no longer has the output.
    #[error("{output} has owner {found} by now, the task was handed out by owner {epoch}: its result is not needed")]
    Superseded {
        /// The place.
        output: String,
        /// Epoch of the owner that handed the task out.
        epoch: u64,
        /// Epoch of the owner that has it.
        found: u64,
    },
    /// The output was opened for reading only.
    #[error("the output was opened for reading: it cannot {action}")]
    NotOwner {
        /// What was asked for.
        action: &'static str,
    },
    /// The output holds results of other footage under the same name.
    #[error(
        "the output holds results of other content under the name \"{item}\": rename the item, give another --output, or start over with --fresh"
    )]
    OtherContent {
        /// The item.
        item: String,
    },
    /// The output was made by a later version.
    #[error("{output} has ledger format {found}, this program knows up to {known}: use a newer framefleet")]
    NewerFormat {
        /// The place.
        output: String,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The output was made by an earlier version.
    #[error(
        "{output} has ledger format {found}, this program writes and reads {known}: give another --output, start over with --fresh, or read \
         it with the framefleet that made it"
    )]
    OlderFormat {
        /// The place.
        output: String,
        /// Its format.
        found: u32,
        /// The format of this program.
        known: u32,
    },
    /// A task without entry.
    #[error("the ledger has no entry for {what} (key {key}): run the job again")]
    MissingEntry {
        /// Which task, in words.
        what: String,
        /// Its key.
        key: TaskKey,
    },
    /// Something that should be there is not, or has other bytes.
    #[error(
        "{path} in {output} is damaged: {reason}; run `framefleet verify` to see all of it, or start over with --fresh"
    )]
    Damaged {
        /// The place.
        output: String,
        /// The object, below the output.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A task's results contradict themselves.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which task, step or row, in words.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store did not do what it was asked.
    #[error("{output}: cannot {action} {path}: {source}")]
    Store {
        /// The place.
        output: String,
        /// What was tried.
        action: &'static str,
        /// The object, below the output.
        path: String,
        /// The store's answer.
        source: Box<object_store::Error>,
    },
}

impl LedgerError {
    /// Results that contradict themselves.
    pub fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), reason: reason.into() }
    }

    /// A request that a store refused.
    pub(crate) fn store(
        output: &str,
        action: &'static str,
        path: impl Into<String>,
        source: object_store::Error,
    ) -> Self {
        Self::Store { output: output.to_owned(), action, path: path.into(), source: Box::new(source) }
    }

    /// A failed system call on a local file.
    pub(crate) fn access(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Access { action, path: path.into(), source }
    }
}
