//! What is under way compared with what the queues hold.
use crate::driver::{Orchestrator, OrchestratorError, Running};
use crate::task::TaskRef;
use framefleet_bus::Subject;
use std::collections::BTreeSet;

impl Orchestrator {
    /// Tasks under way whose queue holds nothing any more are lost (the queue was, or their event): they are published again.
    /// Once could be a result that is on its way.
    pub(crate) async fn reconcile(&self, job: &mut Running) -> Result<(), OrchestratorError> {
        let subjects: BTreeSet<Subject> = job.inflight.values().map(|published| published.subject.clone()).collect();
        for subject in subjects {
            let depth = match self.bus.depth(&subject).await {
                Ok(depth) => depth,
                Err(error) => {
                    tracing::warn!(%subject, %error, "a queue gives no depth");
                    continue;
                }
            };
            let gone = depth.waiting + depth.leased == 0;
            for published in job.inflight.values_mut().filter(|published| published.subject == subject) {
                published.quiet = if gone { published.quiet + 1 } else { 0 };
            }
        }
        let lost: Vec<TaskRef> =
            job.inflight.iter().filter(|(_, published)| published.quiet > 2).map(|(task, _)| *task).collect();
        for task in lost {
            tracing::warn!(?task, "a task is under way and in no queue; it is published again");
            job.landed(task);
        }
        Ok(())
    }
}
