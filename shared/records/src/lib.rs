//! What is derived from the ledger of an output: records as JSON lines and Parquet, summaries, artifacts under their own names,
//! failures.jsonl; and the proof that all of it is whole. Everything here can be derived again; the ledger alone is the truth.

mod artifact_paths;
mod artifacts;
mod columns;
mod complete;
mod error;
mod failures;
mod frame_files;
mod json;
mod parquet_file;
mod prune;
mod step_records;
mod summary;
mod verify;

pub use artifact_paths::ArtifactPaths;
pub use complete::complete_step;
pub use error::RecordsError;
pub use failures::{Failures, replay_command, write_failures};
pub use step_records::RecordsOptions;
pub use verify::{StepCounts, VerifyReport, verify};
