//! W3C trace context of tasks, so that what different processes log of a job can be put together.
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A job's trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    id: String,
}

impl Trace {
    /// The trace of a job: the same after a restart.
    pub fn of_job(job: &str) -> Self {
        Self { id: blake3::hash(job.as_bytes()).to_hex()[..32].to_owned() }
    }

    /// A `traceparent` for something that begins now.
    pub fn child(&self) -> String {
        // A span id is any number but zero.
        let span = RandomState::new().build_hasher().finish() | 1;
        format!("00-{}-{span:016x}-01", self.id)
    }
}
