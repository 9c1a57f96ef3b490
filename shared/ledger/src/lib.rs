//! The ledger of an output: which tasks are finished and what they made, merged into records, and verified. Everything
//! lies in an object store; a folder is one.
//!
//! A task's results are filed under its key: first its parts (annotations, artifacts, attachments), then its entry, which
//! alone makes it done. A step's manifest says which entries make up its result; records, summary and artifacts are
//! derived from that, and can be derived again.

mod artifact_paths;
mod cache;
pub mod coco;
mod columns;
mod commit;
mod compact;
mod complete;
mod deposits;
mod document;
mod error;
mod failures;
mod files;
mod find;
mod folders;
mod index;
mod kept;
mod key;
mod layout;
mod ledger;
mod ledgers;
mod manifest;
mod marks;
mod outcomes;
mod output;
mod ownership;
mod parts;
mod presence;
mod prune;
mod records;
mod rows;
mod shell;
mod slots;
mod state;
mod store;
mod summary;
mod task_lookup;
mod verify;

#[cfg(test)]
mod tests;

pub use artifact_paths::ArtifactPaths;
pub use commit::CommitFile;
pub use document::DocumentWriter;
pub use error::LedgerError;
pub use failures::replay_command;
pub use framefleet_proto::v1::{AnnotationBlock, Entry, EntryOutcomes, PartKind, StepManifest};
pub use key::{KeyError, KeyHasher, TaskKey};
pub use ledger::Ledger;
pub use ledgers::Ledgers;
pub use manifest::{Manifest, ManifestWriter};
pub use output::Output;
pub use records::RecordsOptions;
pub use rows::Row;
pub use shell::shell_word;
pub use state::{OpenOptions, SourceIdentity};
pub use task_lookup::TaskLookup;
pub use verify::{StepCounts, VerifyReport, verify};
