//! Which setting helps, and with what value.
use super::{busy, sum, thresholds};
use crate::figures::{Figures, StepFigures, Work};
use crate::finding::Remedy;

/// The most items per run that are proposed.
const LARGEST_BATCH: u64 = 256;
/// Threads per core that are proposed for tasks that wait.
const THREADS_PER_CORE: usize = 4;
/// The least memory for frames that is proposed.
const LEAST_MEMORY: u64 = 256 << 20;

fn remedy(setting: impl Into<String>, value: impl ToString, effect: &str) -> Option<Remedy> {
    Some(Remedy { setting: setting.into(), value: value.to_string(), effect: effect.to_owned() })
}

/// The argument that says how many threads there are: of `run`, or of workers.
fn threads(figures: &Figures) -> &'static str {
    if figures.in_fleet { "--slots" } else { "--threads" }
}

/// Half as much memory for frames in flight.
pub(super) fn less_frame_memory(figures: &Figures) -> Option<Remedy> {
    let half = figures.frame_memory.map(|bytes| bytes / 2).filter(|bytes| *bytes >= LEAST_MEMORY)?;
    remedy("--memory", format!("{}MiB", half >> 20), "halves what frames in flight may occupy")
}

/// Half as many items per run, in the step with the largest batches.
pub(super) fn smaller_batches(figures: &Figures) -> Option<Remedy> {
    let batched = figures.steps.iter().filter_map(|step| step.micro_batch.map(|batch| (step, batch)));
    let (step, batch) = batched.filter(|(_, batch)| *batch > 1).max_by_key(|(_, batch)| *batch)?;
    remedy(format!("{}.micro_batch", step.step), batch / 2, "halves the items of a run")
}

/// A lighter profile.
pub(super) fn faster(step: &StepFigures) -> Option<Remedy> {
    step.has_faster_profile.then_some(())?;
    remedy(format!("{}.profile", step.step), "fast", "computes less for a frame, at some quality")
}

/// What helps where the processors are busy with a step.
pub(super) fn of_busy_cpu(step: &StepFigures) -> Option<Remedy> {
    let lighter = || faster(step);
    match step.work {
        Work::Decode => remedy("*.frames", "every 2", "looks at every other frame, where that is enough"),
        Work::Encode => remedy(format!("{}.encoding", step.step), "dnxhr", "writes larger files with less work"),
        Work::Compute => {
            lighter().or_else(|| remedy(format!("{}.frames", step.step), "every 2", "does every other frame"))
        }
    }
}

/// What keeps a device busy that is idle: larger batches, or more tasks at a time.
pub(super) fn feed_device(figures: &Figures, step: &StepFigures) -> Option<Remedy> {
    match step.micro_batch {
        Some(batch) if batch < LARGEST_BATCH => remedy(
            format!("{}.micro_batch", step.step),
            (batch * 2).clamp(8, LARGEST_BATCH),
            "gives the device more at a time",
        ),
        _ => more_threads(figures),
    }
}

/// As many threads as there are cores, where there are fewer and they are busy.
pub(super) fn more_threads(figures: &Figures) -> Option<Remedy> {
    let cores = figures.cores.filter(|cores| *cores > figures.threads && figures.threads > 0)?;
    (busy(figures) >= thresholds::THREADS_IDLE).then_some(())?;
    remedy(threads(figures), cores, "uses all cores")
}

/// No more threads than cores.
pub(super) fn fewer_threads(figures: &Figures) -> Option<Remedy> {
    let cores = figures.cores.filter(|cores| *cores < figures.threads)?;
    remedy(threads(figures), cores, "starts no more tasks at a time than there are cores")
}

/// More threads where they wait: as many as keep the cores busy, by how little they compute now.
pub(super) fn more_waiting_threads(figures: &Figures) -> Option<Remedy> {
    let (computed, worked) = (sum(figures, |step| step.cpu_seconds), sum(figures, |step| step.seconds));
    let cores = figures.cores?;
    let wanted = (cores as f64 * worked / computed.max(1e-9)).min((cores * THREADS_PER_CORE) as f64) as usize;
    (wanted > figures.threads && busy(figures) >= thresholds::THREADS_IDLE).then_some(())?;
    remedy(threads(figures), wanted, "has more tasks wait at a time")
}
