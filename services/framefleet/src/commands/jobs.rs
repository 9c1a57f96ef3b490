//! `framefleet submit`, `status`, `watch` and `cancel`: jobs of a fleet.
use crate::args::{NamedJobArguments, StatusArguments, SubmitArguments};
use crate::client::ServerArguments;
use crate::failure::Failure;
use crate::terminal::{self, Style};
use crate::{request, streams};
use bytesize::ByteSize;
use framefleet_job::JobRequest;
use framefleet_orchestration::Progress;
use framefleet_proto::control::control_client::ControlClient;
use framefleet_proto::control::{GetRequest, Job, JobStatus, ListRequest, REQUEST_BYTES, SubmitRequest};
use framefleet_service::Exit;
use framefleet_stage::Registry;
use prost::Message as _;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// Wait before an orchestrator that went away is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one may be away while a job is watched.
const AWAY: Duration = Duration::from_secs(120);

/// Hands a job to the fleet.
pub fn submit(arguments: &SubmitArguments, registry: &Registry) -> Result<Exit, Failure> {
    let request = request::of_arguments(&arguments.job, arguments.device)?;
    let mut request = JobRequest {
        source: request::absolute(&request.source)?,
        output: request::absolute(&request.output)?,
        priority: arguments.priority,
        project: Some(arguments.project.clone()),
        ..request
    };
    request.read_files(registry)?;
    send(&arguments.server, &request, arguments.watch, arguments.json)
}

/// Submits a request to the fleet, and shows its progress when asked to.
pub fn send(server: &ServerArguments, request: &JobRequest, watch: bool, json: bool) -> Result<Exit, Failure> {
    let request = SubmitRequest::from(request);
    let length = request.encoded_len();
    if length > REQUEST_BYTES {
        let (length, limit) = (ByteSize(length as u64), ByteSize(REQUEST_BYTES as u64));
        return Err(Failure::usage(format!(
            "the request has {length} with the files that settings name, and a fleet takes {limit}: name smaller files"
        )));
    }
    block_on(async {
        let mut client = server.connect().await?;
        let job = client.submit(request).await?.into_inner();
        if watch {
            eprintln!("{} is submitted", job.name);
            return follow(server, &job.name, json).await;
        }
        match json {
            true => terminal::print_json("job", &job),
            false => println!("{}", job.name),
        }
        Ok(Exit::Done)
    })
}

/// Lists jobs, or says how one is.
pub fn status(arguments: &StatusArguments) -> Result<Exit, Failure> {
    block_on(async {
        let mut client = arguments.server.connect().await?;
        let jobs = match &arguments.job {
            Some(name) => vec![client.get(GetRequest { name: name.clone() }).await?.into_inner()],
            None => client.list(ListRequest {}).await?.into_inner().jobs,
        };
        match (arguments.json, &arguments.job) {
            (true, Some(_)) => terminal::print_json("job", &jobs.first()),
            (true, None) => terminal::print_json("jobs", &jobs),
            (false, _) if jobs.is_empty() => println!("no jobs yet; `framefleet submit SOURCE` hands one in"),
            (false, asked) => {
                jobs.iter().for_each(|job| println!("{}", line(job)));
                // Of a list of jobs it would be too much.
                jobs.iter().filter(|_| asked.is_some()).for_each(print_left_out);
            }
        }
        Ok(Exit::Done)
    })
}

/// Shows a job's progress until it ends.
pub fn watch(arguments: &NamedJobArguments) -> Result<Exit, Failure> {
    block_on(follow(&arguments.server, &arguments.job, arguments.json))
}

/// Ends a job early.
pub fn cancel(arguments: &NamedJobArguments) -> Result<Exit, Failure> {
    block_on(async {
        let mut client = arguments.server.connect().await?;
        let job = client.cancel(GetRequest { name: arguments.job.clone() }).await?.into_inner();
        match arguments.json {
            true => terminal::print_json("job", &job),
            false => println!("{}: running tasks come to their end; submit the same again to resume", job.name),
        }
        Ok(Exit::Done)
    })
}

/// Shows progress until a job ends, over restarts of the orchestrator. The exit code that `run` would have had.
async fn follow(server: &ServerArguments, name: &str, json: bool) -> Result<Exit, Failure> {
    let (sender, receiver) = watch::channel(Progress::default());
    let shown = tokio::spawn(terminal::show(receiver, Style::choose(json)));
    let ended = last(server, name, &sender).await;
    drop(sender);
    // What was shown is not needed any more.
    let _ = shown.await;
    let job = ended?;
    if json {
        terminal::print_json("result", &job);
    } else {
        print_left_out(&job);
        println!("{}", line(&job));
        let output = job.request.as_ref().map_or("", |request| request.output.as_str());
        println!("report: {output}/report.html");
    }
    Ok(match job.status() {
        JobStatus::Queued | JobStatus::Running => Exit::Done,
        JobStatus::Done => Exit::Done,
        JobStatus::Partial => Exit::Partial,
        JobStatus::Cancelled => Exit::Interrupted,
        _ => Exit::Failed,
    })
}

/// The job as it ended.
async fn last(server: &ServerArguments, name: &str, progress: &watch::Sender<Progress>) -> Result<Job, Failure> {
    let mut client = server.connect().await?;
    let mut answered = SystemTime::now();
    let mut said = String::new();
    loop {
        let ended = watch_once(&mut client, name, progress, &mut answered, &mut said).await;
        match ended {
            Ok(Some(job)) => return Ok(job),
            Err(status) if !is_away(&status) => return Err(status.into()),
            _ if answered.elapsed().unwrap_or_default() > AWAY => {
                return Err(Failure {
                    exit: Exit::BusUnreachable,
                    message: format!(
                        "the orchestrator has been away for {} s; the job resumes when it is back",
                        AWAY.as_secs()
                    ),
                });
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Watches until the job ends (`Some`) or the orchestrator goes away.
async fn watch_once(
    client: &mut ControlClient<Channel>,
    name: &str,
    progress: &watch::Sender<Progress>,
    answered: &mut SystemTime,
    said: &mut String,
) -> Result<Option<Job>, Status> {
    let mut stream = client.watch(GetRequest { name: name.to_owned() }).await?.into_inner();
    while let Some(job) = stream.message().await? {
        *answered = SystemTime::now();
        if let Some(now) = &job.progress {
            progress.send_replace(now.clone().into());
        }
        if !matches!(job.status(), JobStatus::Queued | JobStatus::Running) {
            return Ok(Some(job));
        }
        if job.message != *said && !job.message.is_empty() {
            eprintln!("{}: {}", job.name, job.message);
        }
        said.clone_from(&job.message);
        if streams::is_closed() {
            // Nobody looks on any more; the job needs nobody who does.
            return Ok(Some(job));
        }
    }
    Ok(None)
}

/// Whether trying again later may help.
fn is_away(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
}

/// Says what a job did not take of its source, as `run` does.
fn print_left_out(job: &Job) {
    job.left_out.iter().for_each(|line| eprintln!("{}", terminal::printable(line)));
}

/// A job in one line.
fn line(job: &Job) -> String {
    let progress = Progress::from(job.progress.clone().unwrap_or_default());
    let source = job.request.as_ref().map_or("", |request| request.source.as_str());
    let running = job.status() == JobStatus::Running;
    let left = if running { terminal::time_left(&progress) } else { String::new() };
    let notes: String =
        [left, job.message.clone()].iter().filter(|note| !note.is_empty()).map(|note| format!("  {note}")).collect();
    format!("{:<18} {:<10} {:>9}/{:<9} {source}{notes}", job.name, status_word(job), progress.done(), progress.frames)
}

/// A status in a word.
pub fn status_word(job: &Job) -> &'static str {
    match job.status() {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Done => "done",
        JobStatus::Partial => "partial",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
        JobStatus::Unspecified => "unknown",
    }
}

/// Runs a call to the fleet.
pub fn block_on<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(call)
}
