//! What a runner is made of.
use crate::host_provider::HostProvider;
use crate::isolation::IsolatedProcess;
use framefleet_bus::{Blobs, Bus};
use framefleet_ledger::Ledgers;
use framefleet_stage::{OpenSource, Registry};
use std::path::PathBuf;
use std::sync::Arc;

/// How a runner works.
pub struct RunnerOptions {
    /// Its name in events.
    pub name: String,
    /// Stages to serve, the ones whose tasks go first in front.
    pub stages: Vec<String>,
    /// Execution classes to serve: the processor's and, where there is a GPU, the GPU's.
    pub classes: Vec<String>,
    /// Threads that may compute at a time.
    pub threads: usize,
    /// An existing folder for temporary files.
    pub scratch: PathBuf,
    /// How tasks that lost their worker run in a process of their own first; `None` runs them like any other.
    pub isolation: Option<IsolatedProcess>,
    /// Whether nobody else takes tasks: what a lost device leaves undone then fails the job, instead of being handed back.
    pub alone: bool,
}

/// What a runner works with, shared by all of its tasks.
pub struct RunnerParts {
    /// Carries tasks and events.
    pub bus: Arc<dyn Bus>,
    /// Holds volatile frames.
    pub blobs: Arc<dyn Blobs>,
    /// The outputs' ledgers.
    pub ledgers: Ledgers,
    /// The stages it can run.
    pub registry: Registry,
    /// Opens the source stage for index and ingest tasks.
    pub open_source: OpenSource,
    /// Devices, caches and models of this process.
    pub hosts: Arc<dyn HostProvider>,
}
