//! The one loop of every worker: lease → fetch → process → commit → publish → acknowledge.
//!
//! Tasks are leased a little ahead of what the cores can do, so that the next task's inputs are there when a core becomes
//! free; the stages' own work runs on as many threads as the runner may use, one task each.

mod blobs;
mod execute;
mod failure;
mod files;
mod inputs;
mod keepalive;
mod lender;
mod locate;
mod made;
mod records;
mod spent;
mod task_index;
mod trial;
mod worker;

pub use failure::TaskFailure;
pub use lender::Lender;
pub use trial::TrialProcess;
pub use worker::{Runner, RunnerOptions, RunnerParts};
