//! The gRPC API over the jobs.
use super::job_runner::RunnerError;
use super::jobs::{Jobs, has_ended};
use super::workers::{classes, workers};
use framefleet_bus::{Bus, Kv, Subject};
use framefleet_proto::control::control_server::Control;
use framefleet_proto::control::{
    GetRequest, Job, ListReply, ListRequest, Queue, Stage, StagesReply, StagesRequest, SubmitRequest, Worker,
    WorkersReply, WorkersRequest,
};
use futures::Stream;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// Answers calls while this orchestrator is the leader; says so while another one is.
pub(super) struct ControlService {
    pub bus: Arc<dyn Bus>,
    pub workers: Arc<dyn Kv>,
    /// The jobs, while this orchestrator has the lock.
    pub jobs: watch::Receiver<Option<Arc<Jobs>>>,
}

impl ControlService {
    fn jobs(&self) -> Result<Arc<Jobs>, Status> {
        let jobs = self.jobs.borrow().clone();
        jobs.ok_or_else(|| Status::unavailable("this orchestrator does not act: another one has the lock; try again"))
    }

    fn job(&self, name: &str) -> Result<watch::Receiver<Job>, Status> {
        let unknown =
            || Status::not_found(format!("there is no job {name}; `framefleet status` lists those there are"));
        self.jobs()?.get(name).ok_or_else(unknown)
    }

    async fn announced(&self) -> Result<Vec<Worker>, Status> {
        workers(self.workers.as_ref()).await.map_err(|error| Status::unavailable(error.to_string()))
    }
}

fn status(error: RunnerError) -> Status {
    // Messages travel in headers, which have little room.
    match error {
        RunnerError::Refused(message) => Status::invalid_argument(framefleet_bus::short(message)),
        RunnerError::Bus(error) if error.passes() => Status::unavailable(error.to_string()),
        RunnerError::Bus(error) => Status::failed_precondition(error.to_string()),
        RunnerError::Failed(message) => Status::failed_precondition(framefleet_bus::short(message)),
    }
}

#[tonic::async_trait]
impl Control for ControlService {
    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<Job>, Status> {
        self.jobs()?.submit(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Job>, Status> {
        let job = self.job(&request.into_inner().name)?.borrow().clone();
        Ok(Response::new(job))
    }

    async fn list(&self, _: Request<ListRequest>) -> Result<Response<ListReply>, Status> {
        let mut jobs = self.jobs()?.list();
        // Hundreds of pipelines would be more than an answer carries; `get` has the job's.
        for request in jobs.iter_mut().filter_map(|job| job.request.as_mut()) {
            request.pipeline.clear();
            request.set.clear();
        }
        Ok(Response::new(ListReply { jobs }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<Job, Status>> + Send>>;

    async fn watch(&self, request: Request<GetRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let mut receiver = self.job(&request.into_inner().name)?;
        receiver.mark_changed();
        let next = |receiver: Option<watch::Receiver<Job>>| async move {
            let mut receiver = receiver?;
            receiver.changed().await.ok()?;
            let job = receiver.borrow_and_update().clone();
            let more = (!has_ended(&job)).then_some(receiver);
            Some((Ok(job), more))
        };
        Ok(Response::new(Box::pin(futures::stream::unfold(Some(receiver), next))))
    }

    async fn cancel(&self, request: Request<GetRequest>) -> Result<Response<Job>, Status> {
        let name = request.into_inner().name;
        self.job(&name)?;
        let job = self.jobs()?.cancel(&name);
        job.map(Response::new).ok_or_else(|| Status::not_found(format!("there is no job {name}")))
    }

    async fn stages(&self, _: Request<StagesRequest>) -> Result<Response<StagesReply>, Status> {
        let announced = self.announced().await?;
        let serving = |stage: &str| {
            let serves = |worker: &&Worker| worker.stages.iter().any(|served| served.stage == stage);
            announced.iter().filter(serves).map(|worker| u64::from(worker.slots)).sum()
        };
        let stages = self.jobs()?.runner.stages().into_iter();
        let stages = stages.map(|stage| Stage { slots: serving(&stage.name), ..stage }).collect();
        Ok(Response::new(StagesReply { stages }))
    }

    async fn workers(&self, _: Request<WorkersRequest>) -> Result<Response<WorkersReply>, Status> {
        let workers = self.announced().await?;
        let served: BTreeSet<(String, String)> = workers
            .iter()
            .flat_map(|worker| classes(worker).map(move |class| (worker, class)))
            .flat_map(|(worker, class)| worker.stages.iter().map(|of| (of.stage.clone(), class.clone())))
            .collect();
        let mut queues = Vec::new();
        for (stage, class) in served {
            let depth = self.bus.depth(&Subject::task(&stage, &class)).await;
            let depth = depth.map_err(|error| Status::unavailable(error.to_string()))?;
            queues.push(Queue { stage, class, waiting: depth.waiting, leased: depth.leased });
        }
        Ok(Response::new(WorkersReply { workers, queues }))
    }
}
