//! `framefleet top`
mod machines;

use crate::args::TopArguments;
use crate::commands::jobs;
use crate::failure::Failure;
use crate::{streams, terminal};
use framefleet_orchestration::Progress;
use framefleet_proto::control::control_client::ControlClient;
use framefleet_proto::control::{Job, JobStatus, ListRequest, Stage, StagesRequest, WorkersReply, WorkersRequest};
use framefleet_service::Exit;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;
use tonic::transport::Channel;

/// How often the picture is drawn anew.
const EVERY: Duration = Duration::from_secs(1);
/// Ended jobs that are shown.
const ENDED: usize = 5;

/// What is shown.
struct Picture {
    jobs: Vec<Job>,
    stages: Vec<Stage>,
    fleet: WorkersReply,
}

/// Shows a fleet until Ctrl-C, or once.
pub fn run(arguments: &TopArguments) -> Result<Exit, Failure> {
    jobs::block_on(async {
        let mut client = arguments.server.connect().await?;
        if arguments.json {
            let Picture { jobs, stages, fleet } = look(&mut client).await?;
            let held_up = |job: &Job| (job.name.clone(), serde_json::json!(machines::findings(job, &fleet.workers)));
            let bottlenecks: serde_json::Map<_, _> = jobs.iter().filter(|job| job.ended == 0.0).map(held_up).collect();
            let all = serde_json::json!({
                "jobs": jobs, "stages": stages, "workers": fleet.workers, "queues": fleet.queues, "bottlenecks": bottlenecks,
            });
            terminal::print_json("top", &all);
            return Ok(Exit::Done);
        }
        let live = !arguments.once && std::io::stdout().is_terminal();
        loop {
            let picture = look(&mut client).await?;
            let text = draw(&picture);
            match live {
                // Home, the text, and away with what was below.
                true => print!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n")),
                false => print!("{text}"),
            }
            streams::flush();
            if !live {
                return Ok(Exit::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            }
        }
    })
}

async fn look(client: &mut ControlClient<Channel>) -> Result<Picture, Failure> {
    Ok(Picture {
        jobs: client.list(ListRequest {}).await?.into_inner().jobs,
        stages: client.stages(StagesRequest {}).await?.into_inner().stages,
        fleet: client.workers(WorkersRequest {}).await?.into_inner(),
    })
}

fn draw(picture: &Picture) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = jobs_table(&mut text, picture)
        .and_then(|()| stages_table(&mut text, picture))
        .and_then(|()| workers_table(&mut text, picture))
        .and_then(|()| machines::devices_table(&mut text, &picture.fleet.workers));
    text
}

fn jobs_table(text: &mut String, Picture { jobs: all, fleet, .. }: &Picture) -> std::fmt::Result {
    writeln!(text, "{:<18} {:<10} {:>9} {:>9} {:>9}  SOURCE", "JOB", "STATE", "DONE", "FRAMES", "FRAMES/S")?;
    let (running, ended): (Vec<&Job>, Vec<&Job>) = all.iter().partition(|job| job.ended == 0.0);
    for job in running.into_iter().chain(ended.into_iter().take(ENDED)) {
        let progress = Progress::from(job.progress.clone().unwrap_or_default());
        let (rate, left) = match job.status() {
            JobStatus::Running => (format!("{:.1}", progress.frames_per_second()), terminal::time_left(&progress)),
            _ => Default::default(),
        };
        let source = job.request.as_ref().map_or("", |request| request.source.as_str());
        writeln!(
            text,
            "{:<18} {:<10} {:>9} {:>9} {rate:>9}  {source}  {left}  {}",
            job.name,
            jobs::status_word(job),
            progress.done(),
            progress.frames,
            job.message
        )?;
        if let Some(found) = machines::findings(job, &fleet.workers).first() {
            writeln!(text, "{:<18} {found}", "")?;
        }
    }
    writeln!(text)
}

fn stages_table(text: &mut String, picture: &Picture) -> std::fmt::Result {
    writeln!(
        text,
        "{:<18} {:>6} {:>8} {:>8} {:>12} {:>12}",
        "STAGE", "SLOTS", "WAITING", "RUNNING", "FRAMES/S", "LEFT"
    )?;
    for stage in &picture.stages {
        let queues = picture.fleet.queues.iter().filter(|queue| queue.stage == stage.name);
        let (waiting, leased) = queues.fold((0, 0), |sum, queue| (sum.0 + queue.waiting, sum.1 + queue.leased));
        let steps = || {
            let running = picture.jobs.iter().filter(|job| job.ended == 0.0).filter_map(|job| job.progress.as_ref());
            running.flat_map(|progress| &progress.steps).filter(|step| step.stage == stage.name)
        };
        // Not a sum: that of nothing is -0.
        let rate = steps().fold(0.0, |rate, step| rate + step.frames_per_second);
        let left: u64 = steps().map(|step| step.left).sum();
        writeln!(text, "{:<18} {:>6} {waiting:>8} {leased:>8} {rate:>12.1} {left:>12}", stage.name, stage.slots)?;
    }
    writeln!(text)
}

fn workers_table(text: &mut String, picture: &Picture) -> std::fmt::Result {
    let heads = ["WORKER", "TASKS", "SLOTS", "CPU", "MEMORY", "CLASS"];
    let [worker, tasks, slots, cpu, memory, class] = heads;
    writeln!(text, "{worker:<28} {tasks:>6} {slots:>6} {cpu:>10} {memory:>10}  {class:<16} STAGES")?;
    for worker in &picture.fleet.workers {
        let stages: Vec<&str> = worker.stages.iter().map(|served| served.stage.as_str()).collect();
        let (cpu, memory) = machines::load(worker.load.as_ref());
        writeln!(
            text,
            "{:<28} {:>6} {:>6} {cpu:>10} {memory:>10}  {:<16} {}",
            worker.name,
            worker.tasks,
            worker.slots,
            worker.class,
            stages.join(", ")
        )?;
    }
    Ok(())
}
