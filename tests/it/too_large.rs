//! What no message carries: the job stops at once and says so with the numbers, leaves what is done, and tries nothing again.
use crate::fleet::{Carriers, TestJob};
use async_trait::async_trait;
use framefleet_bus::{Bus, BusError, Depth, Events, Inbox, Kv, MemoryBlobs, MemoryBus, Message, Subject};
use framefleet_ledger::Output;
use framefleet_orchestration::{Ending, JobSummary};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A bus that carries less than others: bytes of the tasks of `level`, and of events.
struct Narrow {
    bus: MemoryBus,
    tasks: usize,
    events: usize,
    refused: AtomicU64,
}

impl Narrow {
    fn new(tasks: usize, events: usize) -> Arc<Self> {
        Arc::new(Self { bus: MemoryBus::new(Duration::from_secs(30)), tasks, events, refused: AtomicU64::new(0) })
    }

    fn check(&self, message: &Message, limit: usize) -> Result<(), BusError> {
        let length = message.payload.len();
        if length <= limit {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(BusError::TooLarge { length, limit })
    }
}

#[async_trait]
impl Bus for Narrow {
    async fn publish(&self, message: Message) -> Result<(), BusError> {
        if message.subject.stage() == "level" {
            self.check(&message, self.tasks)?;
        }
        self.bus.publish(message).await
    }

    async fn inbox(&self, subject: &Subject) -> Result<Box<dyn Inbox>, BusError> {
        self.bus.inbox(subject).await
    }

    async fn emit(&self, message: Message) -> Result<(), BusError> {
        self.check(&message, self.events)?;
        self.bus.emit(message).await
    }

    async fn listen(&self, subject: &Subject) -> Result<Box<dyn Events>, BusError> {
        self.bus.listen(subject).await
    }

    async fn bucket(&self, name: &str, ttl: Option<Duration>) -> Result<Arc<dyn Kv>, BusError> {
        self.bus.bucket(name, ttl).await
    }

    async fn depth(&self, subject: &Subject) -> Result<Depth, BusError> {
        self.bus.depth(subject).await
    }
}

async fn run(bus: &Arc<Narrow>) -> JobSummary {
    let job = TestJob::new("[steps.level]\n", &[320]);
    let carriers = Carriers { bus: bus.clone(), blobs: Arc::new(MemoryBlobs::new(u64::MAX)) };
    let interrupt = CancellationToken::new();
    job.run_over(carriers, &Output::in_memory(), interrupt).await.unwrap()
}

/// Why the job stopped; the tries must have been as many as there were tasks under way at once.
async fn stopped(bus: Arc<Narrow>, most: u64) -> String {
    let summary = tokio::time::timeout(Duration::from_secs(60), run(&bus)).await.expect("the job ends");
    let Ending::Stopped(reason) = summary.ending else { panic!("{:?}", summary.ending) };
    let refused = bus.refused.load(Ordering::Relaxed);
    assert!((1..=most).contains(&refused), "{refused} messages were refused: {reason}");
    reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_does_not_fit_stops_the_job() {
    let reason = stopped(Narrow::new(300, usize::MAX), 1).await;
    assert!(reason.contains("level") && reason.contains("does not fit: 300 are allowed"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_does_not_fit_stops_the_job() {
    // What is told of decoding names its pixels; of a failure, only the reason.
    let reason = stopped(Narrow::new(usize::MAX, 700), 8).await;
    assert!(reason.contains("does not fit: 700 are allowed"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_everything_fits_it_is_done() {
    let bus = Narrow::new(8 << 10, 8 << 10);
    assert_eq!(run(&bus).await.ending, Ending::Finished);
    assert_eq!(bus.refused.load(Ordering::Relaxed), 0);
}
