//! For tests of the ledger and of what is derived from it: a small job with known results, an output with people, and a store that dies at
//! its n-th change.

mod faulty;
mod job;
pub mod people;

pub use faulty::Faulty;
pub use job::{
    BATCH, BATCHES, EXPIRED, FAILED, ITEMS, Job, Results, Task, commit, commit_missing, extension, open, options,
    result,
};
