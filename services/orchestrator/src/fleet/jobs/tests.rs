//! What ended is remembered, but not for ever.
use super::*;
use framefleet_bus::{MemoryBlobs, MemoryBus};

/// Jobs that are done as soon as they run.
struct AtOnce;

#[async_trait]
impl JobRunner for AtOnce {
    async fn check(&self, _: &SubmitRequest, _: &Classes, _: u64) -> Result<(u64, u64), JobError> {
        Ok((0, 0))
    }

    async fn run(&self, _: &SubmitRequest, _: JobContext) -> Result<JobEnd, JobError> {
        Ok(JobEnd { state: JobState::Done, message: String::new() })
    }

    fn stages(&self) -> Vec<control::Stage> {
        Vec::new()
    }
}

#[tokio::test]
async fn the_oldest_ended_jobs_are_forgotten() {
    let bus = Arc::new(MemoryBus::new(Duration::from_secs(3)));
    let (_keep, workers) = watch::channel(Vec::new());
    let parts = JobsParts {
        bus: bus.clone(),
        blobs: Arc::new(MemoryBlobs::new(0)),
        seats: Seats::of_process(1),
        memory: 1,
        runner: Arc::new(AtOnce),
        workers,
        class: "test".to_owned(),
    };
    let jobs = Jobs::take_over(parts).await.unwrap();
    let mut names = Vec::new();
    for number in 0..HISTORY + 20 {
        let request = SubmitRequest { output: number.to_string(), ..SubmitRequest::default() };
        let name = jobs.submit(request).await.unwrap().name;
        jobs.get(&name).unwrap().wait_for(has_ended).await.unwrap();
        names.push(name);
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
