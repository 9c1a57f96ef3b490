//! The ledger of an output: which tasks are done and what they made. It is the truth of a job; everything that people read
//! (records, summaries, artifacts) is derived from it by `framefleet-records`. Everything lies in an object store; a folder is one.
//!
//! A task's results are filed under its key: first its parts (annotations, artifacts, attachments), then its entry, which
//! alone makes it done. A step's manifest says which entries make up its result.
//!
//! From the bottom up: `store` reads and writes objects; `index` has the entries in memory, `ownership` says who may write; [`Ledger`] holds
//! both. On it stand `tasks` (commit and find what tasks made), `documents` (lists that grow with the footage) and `steps` (results of steps);
//! above them `opening` and `maintenance` (packing and removing).

mod documents;
mod error;
mod index;
mod key;
pub mod layout;
mod ledger;
mod ledgers;
mod maintenance;
mod opening;
mod output;
mod output_state;
mod ownership;
mod place;
mod steps;
mod store;
mod tasks;

pub use documents::DocumentWriter;
pub use error::LedgerError;
pub use framefleet_proto::v1::{AnnotationBlock, Entry, EntryOutcomes, PartKind, StepManifest};
pub use key::{KeyError, KeyHasher, TaskKey};
pub use ledger::Ledger;
pub use ledgers::Ledgers;
pub use maintenance::Maintenance;
pub use opening::OpenOptions;
pub use output::Output;
pub use output_state::SourceIdentity;
pub use ownership::LeaseTiming;
pub use steps::presence;
pub use steps::{Manifest, ManifestWriter, Row, TaskLookup, finish_key, step_name, task_key};
pub use store::{Store, Upload};
pub use tasks::{CommitFile, describe, outcomes};
