//! Calls to a fleet's API, from threads that may wait.
use super::PATIENCE;
use framefleet_proto::control::control_client::ControlClient;
use framefleet_proto::control::{GetRequest, Job, SubmitRequest, WorkersReply, WorkersRequest};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// How long one answer may take before it is asked for again.
const ANSWER: Duration = Duration::from_secs(20);

/// The API of a fleet. Connects again by itself.
pub struct Api {
    runtime: Runtime,
    client: ControlClient<Channel>,
}

impl Api {
    /// The API at "host:port".
    pub fn new(address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(ANSWER);
        let client = {
            let _inside = runtime.enter();
            ControlClient::new(endpoint.connect_lazy())
        };
        Self { runtime, client }
    }

    /// Submits a job, when there is an orchestrator to take it. Its name.
    pub fn submit(&self, request: &SubmitRequest) -> String {
        let mut client = self.client.clone();
        let job = self.ask("submitting", || self.runtime.block_on(client.submit(request.clone())));
        job.into_inner().name
    }

    /// The job as it is now, when there is somebody to ask.
    pub fn job(&self, name: &str) -> Job {
        let mut client = self.client.clone();
        let request = GetRequest { name: name.to_owned() };
        self.ask("asking for a job", || self.runtime.block_on(client.get(request.clone()))).into_inner()
    }

    /// Workers and queues.
    pub fn workers(&self) -> WorkersReply {
        let mut client = self.client.clone();
        self.ask("asking for workers", || self.runtime.block_on(client.workers(WorkersRequest {}))).into_inner()
    }

    /// Waits until something is true of a job.
    pub fn wait(&self, name: &str, holds: impl Fn(&Job) -> bool) -> Job {
        let began = Instant::now();
        loop {
            let job = self.job(name);
            if holds(&job) {
                return job;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain: {job:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Calls until there is an answer; a refusal is one that nobody here wants.
    fn ask<T>(&self, what: &str, mut call: impl FnMut() -> Result<T, Status>) -> T {
        let began = Instant::now();
        loop {
            match call() {
                Ok(answer) => return answer,
                Err(status) => {
                    let away = matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded)
                        || status.code() == Code::Unknown;
                    assert!(away && began.elapsed() < PATIENCE, "{what}: {status}");
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }
}

/// A request for a pipeline (TOML) over a source.
pub fn request(source: &Path, output: &Path, pipeline: &str) -> SubmitRequest {
    SubmitRequest {
        source: source.to_str().unwrap().to_owned(),
        output: output.to_str().unwrap().to_owned(),
        pipeline: pipeline.to_owned(),
        pipeline_name: "test".to_owned(),
        ..SubmitRequest::default()
    }
}

/// Frames of a step that have a result.
pub fn results(job: &Job, step: &str) -> u64 {
    let steps = job.progress.iter().flat_map(|progress| &progress.steps);
    steps.filter(|of| of.step == step).map(|of| of.result).sum()
}

/// Whether nothing more comes of a job.
pub fn has_ended(job: &Job) -> bool {
    job.ended > 0.0
}
