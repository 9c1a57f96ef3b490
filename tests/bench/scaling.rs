//! One, two and four workers of a stage: how many frames a second, beside one.
use crate::footage::moving;
use crate::processes::Fleet;
use crate::processes::api::{has_ended, request, results};
use crate::{Effort, row};
use std::time::Duration;

/// Milliseconds a frame, so that one decoding worker and the bus have little to do.
const MILLISECONDS: f64 = 16.0;
/// Frames of a batch.
const BATCH: u64 = 32;

/// The rows of the table.
pub fn rows(effort: &Effort) {
    let batches = if effort.quick { 12 } else { 40 };
    for (stage, workers, goals) in
        [("sleep", &[1, 2, 4][..], &["–", "≥ 0.95", "≥ 0.90"][..]), ("spin", &[1, 2], &["–", "≥ 0.95"])]
    {
        let mut one = None;
        for (&workers, goal) in workers.iter().zip(goals) {
            let rate = rate(stage, workers, batches);
            let alone = *one.get_or_insert(rate);
            let what = format!("{workers} × worker, {stage} {MILLISECONDS} ms a frame");
            let ratio = rate / (alone * workers as f64);
            row(&what, &format!("{rate:.1} frames/s"), &format!("{alone:.1} by one"), Some(ratio), goal);
        }
    }
}

/// Frames per second of a stage with so many workers of one slot, and one worker that decodes. Counted from the first to
/// the last moment at which all of them have work.
fn rate(stage: &str, workers: u64, batches: u64) -> f64 {
    let mut fleet = Fleet::bus_only();
    fleet.start_orchestrator();
    fleet.start_worker(&["--stage", "ingest", "--slots", "1"]);
    (0..workers).for_each(|_| fleet.start_worker(&["--stage", stage, "--slots", "1"]));
    let frames = workers * batches * BATCH;
    let clip = moving(&fleet.path("clip.mp4"), frames);
    let api = fleet.api();
    let serves = || api.workers().workers.len() as u64 == workers + 1;
    while !serves() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pipeline = format!("[steps.{stage}]\nsettings = {{ milliseconds = {MILLISECONDS:.1} }}\n");
    let job = api.submit(&request(&clip, &fleet.path("output"), &pipeline));
    let mut reports: Vec<(f64, u64)> = Vec::new();
    loop {
        let now = api.job(&job);
        let done = results(&now, stage);
        if done > reports.last().map_or(0, |last| last.1) {
            reports.push((now.progress.as_ref().map_or(0.0, |progress| progress.elapsed_seconds), done));
        }
        if has_ended(&now) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // Each worker holds a task and two that wait: when fewer are left, some may have none.
    let busy = |report: &&(f64, u64)| report.1 + 3 * workers * BATCH <= frames;
    let last = reports.iter().rfind(busy).expect("reports before the end");
    let first = reports.first().expect("a report");
    (last.1 - first.1) as f64 / (last.0 - first.0)
}
