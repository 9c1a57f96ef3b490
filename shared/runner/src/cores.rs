//! The threads that may compute: a stage's own work runs there, one task on each.
use crate::failure::TaskFailure;
use crate::host_provider::HostProvider;
use crate::usage::Usage;
use framefleet_stage::StageError;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// So many threads.
pub(crate) struct Cores {
    permits: Arc<Semaphore>,
    hosts: Arc<dyn HostProvider>,
}

impl Cores {
    pub fn new(threads: usize, hosts: Arc<dyn HostProvider>) -> Self {
        Self { permits: Arc::new(Semaphore::new(threads)), hosts }
    }

    /// Starts no more work: whoever waits for a thread, now or later, fails with [`TaskFailure::draining`].
    pub fn close(&self) {
        self.permits.close();
    }

    /// Runs `work` on a blocking thread as soon as one is free. Its result, and what it took; a panic is a crash.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> (Result<T, TaskFailure>, Usage) {
        let asked = Instant::now();
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return (Err(TaskFailure::draining()), Usage::default());
        };
        let waited = asked.elapsed().as_secs_f64();
        let hosts = Arc::clone(&self.hosts);
        let ran = tokio::task::spawn_blocking(move || {
            let measured = Usage::measure(hosts.as_ref(), work);
            drop(permit);
            measured
        })
        .await;
        match ran {
            Ok((value, usage)) => (Ok(value), Usage { waited, ..usage }),
            Err(error) => (Err(TaskFailure::crashed(error.to_string())), Usage::default()),
        }
    }
}

/// Calls a stage; a panic is a crash of this task, not of the process.
pub(crate) fn guarded(call: impl FnOnce() -> Result<(), StageError>) -> Result<(), TaskFailure> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(TaskFailure::from),
        Err(payload) => Err(TaskFailure::crashed(panic_message(payload.as_ref()))),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the stage panicked".to_owned())
}
