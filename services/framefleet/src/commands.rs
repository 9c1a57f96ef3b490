//! The verbs, one file each.
pub mod completions;
pub mod pipelines;
pub mod run;
pub mod stages;
pub mod validate;
pub mod verify;
