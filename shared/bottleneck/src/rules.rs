//! The rules, the most pressing first.
mod remedies;
#[cfg(test)]
mod tests;

use crate::figures::{Figures, StepFigures, Work};
use crate::finding::{Finding, Limit};

/// Where the rules begin to speak.
pub mod thresholds {
    /// Share of a machine's or device's memory that is nearly all.
    pub const MEMORY: f64 = 0.9;
    /// Share of the cores' time that is nearly all.
    pub const CPU: f64 = 0.9;
    /// Share of a device's time that is nearly all.
    pub const DEVICE: f64 = 0.9;
    /// Share of a device's time below which it is idle most of the time.
    pub const DEVICE_IDLE: f64 = 0.5;
    /// Share of the threads' time below which they are idle.
    pub const THREADS_IDLE: f64 = 0.5;
    /// Share of the time of tasks that is too much for blobs, for the ledger, or for cores that others have.
    pub const WAIT: f64 = 0.25;
    /// Share of a step's own time in which it computes nothing that makes it a step that waits.
    pub const WAITING: f64 = 0.5;
}

/// All that holds a run up, the most pressing first; empty where no task worked.
pub fn findings(figures: &Figures) -> Vec<Finding> {
    let rules: [fn(&Figures) -> Option<Finding>; 10] =
        [memory, device_memory, device, cpu, device_idle, core_wait, blob_wait, ledger_wait, bus_wait, longest_step];
    let mut found: Vec<Finding> = rules.iter().filter_map(|rule| rule(figures)).collect();
    // The longest step is worth a line of its own only when no other rule names it.
    if let [earlier @ .., last] = &found[..]
        && earlier.iter().any(|of| of.step.is_some() && of.step == last.step)
    {
        found.pop();
    }
    found
}

fn memory(figures: &Figures) -> Option<Finding> {
    let share = figures.memory.filter(|share| *share >= thresholds::MEMORY)?;
    Some(Finding {
        limit: Limit::Memory,
        step: None,
        share,
        text: format!("memory of the machine was {} full", percent(share)),
        remedy: remedies::less_frame_memory(figures),
    })
}

fn device_memory(figures: &Figures) -> Option<Finding> {
    let full = |share: &f64| *share >= thresholds::MEMORY;
    let (device, share) = figures.devices.iter().find_map(|of| of.memory.filter(full).map(|share| (of, share)))?;
    Some(Finding {
        limit: Limit::DeviceMemory,
        step: None,
        share,
        text: format!("memory of {} was {} full", device.name, percent(share)),
        remedy: remedies::smaller_batches(figures),
    })
}

/// A device that computes all the time: by its driver, else by the time that runs occupied it.
fn device(figures: &Figures) -> Option<Finding> {
    let (name, share) = busiest_device(figures)?;
    let step = most(figures, |step| step.device_seconds)?;
    (share >= thresholds::DEVICE).then(|| Finding {
        limit: Limit::Device,
        step: Some(step.step.clone()),
        share,
        text: format!("{name} computed {} of the time, most of it for {}", percent(share), step.step),
        remedy: remedies::faster(step),
    })
}

fn cpu(figures: &Figures) -> Option<Finding> {
    let share = figures.cpu.filter(|share| *share >= thresholds::CPU)?;
    let step = most(figures, |step| step.cpu_seconds)?;
    let of_step = part(step.cpu_seconds, sum(figures, |step| step.cpu_seconds));
    let cores = figures.cores.map_or(String::new(), |cores| format!(" ({cores} cores)"));
    Some(Finding {
        limit: limit_of(step),
        step: Some(step.step.clone()),
        share,
        text: format!(
            "the CPU{cores} was busy {} of the time, {} of that with {}",
            percent(share),
            percent(of_step),
            step.step
        ),
        remedy: remedies::of_busy_cpu(step),
    })
}

/// Models run on a device that waits for its input most of the time.
fn device_idle(figures: &Figures) -> Option<Finding> {
    let (name, share) = busiest_device(figures)?;
    let step = most(figures, |step| step.device_seconds)?;
    (share < thresholds::DEVICE_IDLE).then(|| Finding {
        limit: Limit::DeviceIdle,
        step: None,
        share,
        text: format!("{name} computed only {} of the time", percent(share)),
        remedy: remedies::feed_device(figures, step),
    })
}

/// Tasks are ready to compute, and others have the cores, although this run does not fill them.
fn core_wait(figures: &Figures) -> Option<Finding> {
    let step = most(figures, |step| step.delay_seconds)?;
    let share = part(sum(figures, |step| step.delay_seconds), sum(figures, |step| step.seconds));
    (share >= thresholds::WAIT && figures.cpu.is_none_or(|cpu| cpu < thresholds::CPU)).then(|| Finding {
        limit: Limit::CoreWait,
        step: None,
        share,
        text: format!(
            "tasks waited {} of their time for cores that others had, most of it in {}",
            percent(share),
            step.step
        ),
        remedy: remedies::fewer_threads(figures),
    })
}

fn blob_wait(figures: &Figures) -> Option<Finding> {
    let step = most(figures, |step| step.fetch_seconds)?;
    let share = part(sum(figures, |step| step.fetch_seconds), in_tasks(figures));
    (share >= thresholds::WAIT).then(|| Finding {
        limit: Limit::BlobWait,
        step: None,
        share,
        text: format!("tasks spent {} of their time reading inputs, most of it for {}", percent(share), step.step),
        remedy: None,
    })
}

fn ledger_wait(figures: &Figures) -> Option<Finding> {
    let step = most(figures, |step| step.commit_seconds)?;
    let share = part(sum(figures, |step| step.commit_seconds), in_tasks(figures));
    (share >= thresholds::WAIT).then(|| Finding {
        limit: Limit::LedgerWait,
        step: None,
        share,
        text: format!("tasks spent {} of their time writing results, most of it for {}", percent(share), step.step),
        remedy: None,
    })
}

/// Tasks are longer under way to a worker than they work, and workers are idle meanwhile.
fn bus_wait(figures: &Figures) -> Option<Finding> {
    let (queued, worked) = (sum(figures, |step| step.queue_seconds), sum(figures, |step| step.seconds));
    let idle = figures.seconds > 0.0 && busy(figures) < thresholds::THREADS_IDLE;
    let share = part(queued, queued + worked);
    (idle && queued > worked).then(|| Finding {
        limit: Limit::BusWait,
        step: None,
        share,
        text: format!(
            "threads were busy {} of the time, and tasks waited {} on the bus for each second of work",
            percent(busy(figures)),
            seconds(part(queued, worked)),
        ),
        remedy: None,
    })
}

/// The step that most of the time of tasks went into.
fn longest_step(figures: &Figures) -> Option<Finding> {
    let step = most(figures, |step| step.seconds)?;
    let share = part(step.seconds, sum(figures, |step| step.seconds));
    let idle = part(step.seconds - step.cpu_seconds - step.device_seconds - step.delay_seconds, step.seconds);
    let waits = idle >= thresholds::WAITING;
    let also = if waits { format!(", and computed nothing in {} of it", percent(idle)) } else { String::new() };
    let threads = match figures.seconds > 0.0 && figures.threads > 0 {
        true => format!("; threads were busy {} of the time", percent(busy(figures))),
        false => String::new(),
    };
    Some(Finding {
        limit: if waits { Limit::Waiting } else { limit_of(step) },
        step: Some(step.step.clone()),
        share,
        text: format!("{} took {} of all task time{also}{threads}", step.step, percent(share)),
        remedy: match waits {
            true => remedies::more_waiting_threads(figures),
            false => remedies::more_threads(figures).or_else(|| remedies::of_busy_cpu(step)),
        },
    })
}

/// The device that computed most, and its share: by its driver, else by the time that runs occupied it. `None` where no model ran on one.
fn busiest_device(figures: &Figures) -> Option<(String, f64)> {
    let occupied = sum(figures, |step| step.device_seconds);
    if occupied <= 0.0 {
        return None;
    }
    let measured = figures.devices.iter().filter_map(|of| of.utilisation.map(|share| (of.name.clone(), share)));
    let busiest = measured.max_by(|a, b| a.1.total_cmp(&b.1));
    let counted = || {
        let devices = figures.devices.len().max(1);
        let name = figures.devices.first().map_or("the device", |of| &of.name).to_owned();
        (figures.seconds > 0.0).then(|| (name, (occupied / figures.seconds / devices as f64).min(1.0)))
    };
    busiest.or_else(counted)
}

/// Share of the threads' time that was spent in stages' own work.
fn busy(figures: &Figures) -> f64 {
    part(sum(figures, |step| step.seconds), figures.seconds * figures.threads as f64).min(1.0)
}

/// Time of tasks with what is around the stage's own work, but for waiting in queues.
fn in_tasks(figures: &Figures) -> f64 {
    sum(figures, |step| step.seconds + step.fetch_seconds + step.commit_seconds)
}

fn limit_of(step: &StepFigures) -> Limit {
    match step.work {
        Work::Decode => Limit::Decode,
        Work::Encode => Limit::Encode,
        Work::Compute => Limit::Compute,
    }
}

/// The step that has most of something, if any has some.
fn most(figures: &Figures, of: fn(&StepFigures) -> f64) -> Option<&StepFigures> {
    figures.steps.iter().filter(|step| of(step) > 0.0).max_by(|a, b| of(a).total_cmp(&of(b)))
}

fn sum(figures: &Figures, of: fn(&StepFigures) -> f64) -> f64 {
    figures.steps.iter().map(of).sum()
}

fn part(of: f64, all: f64) -> f64 {
    if all > 0.0 { (of / all).max(0.0) } else { 0.0 }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} s")
}
