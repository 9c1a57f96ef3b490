//! The verbs, one file each.
pub mod completions;
pub mod doctor;
pub mod edit;
pub mod export;
pub mod failures;
pub mod jobs;
pub mod models;
pub mod orchestrator;
pub mod pipelines;
pub mod run;
pub mod stages;
pub mod top;
pub mod tune;
pub mod up;
pub mod validate;
pub mod verify;
pub mod worker;
