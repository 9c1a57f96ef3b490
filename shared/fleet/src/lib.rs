//! The orchestrator as a service: accepts jobs over gRPC, keeps them in the bus, runs them side by side, and resumes them after a
//! restart. One orchestrator is the leader; others wait for its lock.

mod backlog;
mod classes;
mod control;
mod job_runner;
mod jobs;
mod lock;
mod memory;
mod request;
mod service;
mod workers;

pub use classes::{Classes, Place};
pub use job_runner::{JobContext, JobEnd, JobRunner, ReadyJob, RunnerError};
pub use request::check_request;
pub use service::{FleetError, FleetOptions, serve};
