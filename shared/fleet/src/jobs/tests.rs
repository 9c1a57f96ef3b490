//! What ended is remembered, but not for ever.
use super::*;
use async_trait::async_trait;
use framefleet_bus::{MemoryBlobs, MemoryBus};
use framefleet_proto::control;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Jobs that are done as soon as they run, but for those that lose the bus first.
#[derive(Default)]
struct AtOnce {
    looks: AtomicUsize,
    /// Runs that lose the bus.
    losses: Arc<AtomicUsize>,
    /// What the bus refuses of every run, if it does.
    refusal: Option<fn() -> BusError>,
}

/// One of them.
struct Ready(Arc<AtomicUsize>, Option<fn() -> BusError>);

#[async_trait]
impl ReadyJob for Ready {
    fn memory(&self) -> (u64, u64) {
        (0, 0)
    }

    async fn run(self: Box<Self>, _: JobContext) -> Result<JobEnd, RunnerError> {
        if let Some(refusal) = self.1 {
            return Err(RunnerError::Bus(refusal()));
        }
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Err(RunnerError::Bus(BusError::Closed)),
            Err(_) => Ok(JobEnd::new(JobStatus::Done, String::new())),
        }
    }
}

#[async_trait]
impl JobRunner for AtOnce {
    async fn prepare(&self, _: &SubmitRequest, _: &Classes, _: u64) -> Result<Box<dyn ReadyJob>, RunnerError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Ready(Arc::clone(&self.losses), self.refusal)))
    }

    async fn keep_files(&self, _: &mut SubmitRequest) -> Result<(), RunnerError> {
        Ok(())
    }

    fn stages(&self) -> Vec<control::Stage> {
        Vec::new()
    }
}

/// Jobs that `runner` runs, as the bus has them.
async fn jobs(bus: &Arc<MemoryBus>, runner: &Arc<AtOnce>) -> Arc<Jobs> {
    let (_keep, workers) = watch::channel(Vec::new());
    let parts = JobsParts {
        bus: bus.clone(),
        blobs: Arc::new(MemoryBlobs::new(0)),
        shares: QueueShares::of_process(1),
        memory: 1,
        runner: runner.clone(),
        workers,
        class: "test".to_owned(),
    };
    Jobs::take_over(parts).await.unwrap()
}

/// A job submitted, and done.
async fn done(jobs: &Arc<Jobs>, output: &str) -> String {
    let request = SubmitRequest { output: output.to_owned(), ..SubmitRequest::default() };
    let name = jobs.submit(request).await.unwrap().name;
    jobs.get(&name).unwrap().wait_for(has_ended).await.unwrap();
    name
}

#[tokio::test]
async fn a_source_is_looked_at_once_for_each_time_that_a_job_begins() {
    let bus = Arc::new(MemoryBus::new(Duration::from_secs(3)));
    let runner = Arc::new(AtOnce::default());
    let jobs = jobs(&bus, &runner).await;
    done(&jobs, "a").await;
    assert_eq!(runner.looks.load(Ordering::Relaxed), 1, "what submit found is handed along");
    runner.losses.store(1, Ordering::Relaxed);
    done(&jobs, "b").await;
    assert_eq!(runner.looks.load(Ordering::Relaxed), 1 + 2, "after a loss it may be another source");
}

/// What a bus refuses it refuses again: it is not away.
#[tokio::test]
async fn a_job_that_the_bus_refuses_ends_with_the_numbers_and_is_not_tried_again() {
    type Refuse = fn() -> BusError;
    let refusals: [(Refuse, &str); 2] = [
        (|| BusError::TooLarge { length: 14_211_536, limit: 1_048_576 }, "14211536 bytes does not fit: 1048576"),
        (|| BusError::Refused("no permission".to_owned()), "no permission"),
    ];
    for (refusal, words) in refusals {
        let bus = Arc::new(MemoryBus::new(Duration::from_secs(3)));
        let runner = Arc::new(AtOnce { refusal: Some(refusal), ..AtOnce::default() });
        let jobs = jobs(&bus, &runner).await;
        let name = tokio::time::timeout(Duration::from_secs(60), done(&jobs, "a")).await.unwrap();
        let job = jobs.get(&name).unwrap().borrow().clone();
        assert!(job.status() == JobStatus::Failed && job.message.contains(words), "{job:?}");
        assert_eq!(runner.looks.load(Ordering::Relaxed), 1, "it ran once");
    }
}

/// Whatever a job has to say at its end fits into what the bus keeps of it.
#[tokio::test]
async fn requests_and_messages_of_jobs_are_bounded() {
    let bus = Arc::new(MemoryBus::new(Duration::from_secs(3)));
    let refusal: fn() -> BusError = || BusError::Refused("a long story; ".repeat(100_000));
    let runner = Arc::new(AtOnce { refusal: Some(refusal), ..AtOnce::default() });
    let jobs = jobs(&bus, &runner).await;
    done(&jobs, "a").await;
    let kept = async {
        loop {
            let entries = bus.bucket(JOBS, None).await.unwrap().entries().await.unwrap();
            let job = Job::decode(entries[0].1.bytes.clone()).unwrap();
            if has_ended(&job) {
                return entries[0].1.bytes.len();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let bytes = tokio::time::timeout(Duration::from_secs(60), kept).await.unwrap();
    assert!(bytes < 8 << 10, "{bytes} bytes");
    let request = SubmitRequest { pipeline: "# long\n".repeat(10_000), ..SubmitRequest::default() };
    let refused = jobs.submit(request).await.unwrap_err();
    assert!(matches!(&refused, RunnerError::Refused(why) if why.contains("70004 bytes")), "{refused:?}");
}

#[tokio::test]
async fn the_oldest_ended_jobs_are_forgotten() {
    let bus = Arc::new(MemoryBus::new(Duration::from_secs(3)));
    let jobs = jobs(&bus, &Arc::default()).await;
    let mut names = Vec::new();
    for number in 0..HISTORY + 20 {
        names.push(done(&jobs, &number.to_string()).await);
    }
    let forgotten = async {
        while jobs.list().len() > HISTORY {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), forgotten).await.unwrap();
    assert!(names[..20].iter().all(|name| jobs.get(name).is_none()));
    assert!(names[20..].iter().all(|name| jobs.get(name).is_some()));
    let kept = bus.bucket(JOBS, None).await.unwrap().entries().await.unwrap();
    assert_eq!(kept.len(), HISTORY);
}
