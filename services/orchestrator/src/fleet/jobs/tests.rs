//! What ended is remembered, but not for ever.
use super::*;
use framefleet_bus::{MemoryBlobs, MemoryBus};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Jobs that are done as soon as they run, but for those that lose the bus first.
#[derive(Default)]
struct AtOnce {
    looks: AtomicUsize,
    /// Runs that lose the bus.
    losses: Arc<AtomicUsize>,
}

/// One of them.
struct Ready(Arc<AtomicUsize>);

#[async_trait]
impl ReadyJob for Ready {
    fn memory(&self) -> (u64, u64) {
        (0, 0)
    }

    async fn run(self: Box<Self>, _: JobContext) -> Result<JobEnd, JobError> {
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Err(JobError::Bus(BusError::Closed)),
            Err(_) => Ok(JobEnd { state: JobState::Done, message: String::new() }),
        }
    }
}

#[async_trait]
impl JobRunner for AtOnce {
    async fn look(&self, _: &SubmitRequest, _: &Classes, _: u64) -> Result<Box<dyn ReadyJob>, JobError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Ready(Arc::clone(&self.losses))))
    }

    async fn keep_files(&self, _: &mut SubmitRequest) -> Result<(), JobError> {
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
        seats: Seats::of_process(1),
        memory: 1,
        runner: runner.clone(),
        workers,
        class: "test".to_owned(),
    };
    Jobs::take_over(parts).await.unwrap()
}

/// A job handed in, and done.
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
