//! The orchestrator as a service: takes jobs in over gRPC, keeps them in the bus, runs them one beside the other, and goes
//! on with them after a restart. One orchestrator acts at a time; others wait for its lock.

mod backlog;
mod classes;
mod control;
mod job_runner;
mod jobs;
mod lock;
mod memory;
mod request;
mod service;
mod wire;
mod workers;

pub use classes::{Classes, Place};
pub use job_runner::{JobContext, JobEnd, JobError, JobRunner, ReadyJob};
pub use request::check_request;
pub use service::{FleetError, FleetOptions, serve};
