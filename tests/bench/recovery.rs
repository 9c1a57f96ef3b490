//! How long work stands still when somebody is killed (SIGKILL).
use crate::footage::moving;
use crate::processes::api::{Api, request, results};
use crate::processes::{Fleet, PATIENCE};
use crate::{Effort, row};
use std::path::Path;
use std::time::{Duration, Instant};

/// Frames of a batch.
const BATCH: u64 = 32;

/// The rows of the table.
pub fn rows(effort: &Effort) {
    let rounds = if effort.quick { 3 } else { 10 };
    let measure = |what: &str, goal: &str, once: fn() -> Duration| {
        let mut times: Vec<f64> = (0..rounds).map(|_| once().as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
        row(what, &format!("median {middle:.2} s, worst of {rounds} {worst:.2} s"), "–", None, goal);
    };
    measure("worker killed: until its tasks run elsewhere", "≤ 5 s", worker);
    measure("orchestrator killed and started again: until the next result is told", "≤ 10 s", orchestrator);
    measure("nats-server killed and started again: until the next result is told", "≤ 10 s", nats);
}

/// From the kill until all that the dead worker had is done elsewhere, less the time of the tasks themselves. They run
/// twice: who lost its worker is tried in a child process first.
fn worker() -> Duration {
    const SECONDS: f64 = 3.0;
    const TASKS: u64 = 4;
    // Either worker has room for all tasks at once.
    let mut fleet = Fleet::bus_only();
    fleet.start_orchestrator();
    (0..2).for_each(|_| fleet.start_worker(&["--slots", "4"]));
    let api = fleet.api();
    wait(|| api.workers().workers.len() == 2);
    let clip = moving(&fleet.path("clip.mp4"), TASKS * BATCH);
    let job = begin(&api, &fleet, &clip, 1000.0 * SECONDS / BATCH as f64);
    wait(|| api.workers().queues.iter().any(|queue| queue.stage == "sleep" && queue.leased == TASKS));
    // Workers say every second what they have.
    std::thread::sleep(Duration::from_millis(1200));
    let busiest = api.workers().workers.into_iter().max_by_key(|worker| worker.tasks).expect("two workers");
    let number: usize = busiest.name.trim_start_matches('w').parse().expect("workers are numbered");
    fleet.workers[number].kill();
    let killed = Instant::now();
    api.wait(&job, |job| results(job, "sleep") == TASKS * BATCH);
    killed.elapsed().saturating_sub(Duration::from_secs_f64(2.0 * SECONDS))
}

/// Waits until something is so.
fn wait(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Until a new orchestrator tells of a result that the old one had not told of.
fn orchestrator() -> Duration {
    let (mut fleet, api, job) = under_way();
    let before = results(&api.job(&job), "sleep");
    let killed = Instant::now();
    fleet.orchestrators[0].kill();
    fleet.start_orchestrator();
    api.wait(&job, |job| results(job, "sleep") > before);
    killed.elapsed()
}

/// Until the orchestrator tells of a result that came over the new server.
fn nats() -> Duration {
    let (mut fleet, api, job) = under_way();
    let killed = Instant::now();
    fleet.nats.kill();
    // What came over the old one is told by then.
    std::thread::sleep(Duration::from_millis(500));
    let before = results(&api.job(&job), "sleep");
    fleet.nats.restart().expect("nats-server starts again");
    api.wait(&job, |job| results(job, "sleep") > before);
    killed.elapsed()
}

/// A fleet of two workers in the middle of a job.
fn under_way() -> (Fleet, Api, String) {
    let fleet = Fleet::start(2);
    let clip = moving(&fleet.path("clip.mp4"), 1600);
    let api = fleet.api();
    let job = begin(&api, &fleet, &clip, 10.0);
    api.wait(&job, |job| results(job, "sleep") >= 8 * BATCH);
    (fleet, api, job)
}

/// Hands in a job that sleeps so many milliseconds a frame.
fn begin(api: &Api, fleet: &Fleet, clip: &Path, milliseconds: f64) -> String {
    let pipeline = format!("[steps.sleep]\nsettings = {{ milliseconds = {milliseconds:.1} }}\n");
    api.submit(&request(clip, &fleet.path("output"), &pipeline))
}
