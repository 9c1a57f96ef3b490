//! The metrics: their names, their labels and their units, in one place. Labels are bounded: stages are those of the
//! registry, results and outcomes are the enums below; jobs, items and frames are never labels.
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Tasks that came to an end, by `stage` and `result`.
pub const TASKS: &str = "ff_tasks_total";
/// Frames that got their outcome, by `stage` and `outcome`.
pub const FRAMES: &str = "ff_frames_total";
/// Seconds from the start of a task to its end, by `stage`.
pub const TASK_SECONDS: &str = "ff_task_seconds";
/// Seconds from when a task was published to when a worker took it, by `stage`.
pub const QUEUE_SECONDS: &str = "ff_queue_seconds";
/// Tasks that workers of this process have now, by `stage`.
pub const IN_FLIGHT: &str = "ff_in_flight";
/// Bytes of blobs in use now.
pub const BLOB_BYTES: &str = "ff_blob_bytes";
/// Bytes that blobs may occupy.
pub const BLOB_CAPACITY_BYTES: &str = "ff_blob_capacity_bytes";
/// Tasks that were handed out before, by `stage`.
pub const REDELIVERIES: &str = "ff_redeliveries_total";

/// Seconds that stages worked, waiting included, by `project` and `stage`.
pub const STAGE_SECONDS: &str = "ff_stage_seconds_total";
/// Seconds of a processor that stages took, by `project` and `stage`.
pub const STAGE_CPU_SECONDS: &str = "ff_stage_cpu_seconds_total";
/// Seconds of work that jobs have left, by `stage`: what autoscaling goes by.
pub const BACKLOG_SECONDS: &str = "ff_backlog_seconds";
/// Jobs by `state`.
pub const JOBS: &str = "ff_jobs";
/// 1 for the orchestrator that is the leader, 0 for one that waits.
pub const LEADER: &str = "ff_leader";

/// Seconds to load a model, making its compiled model included, by `model` and `provider`.
pub const MODEL_LOAD_SECONDS: &str = "ff_model_load_seconds";
/// Seconds of its runs on zeros.
pub const MODEL_WARM_UP_SECONDS: &str = "ff_model_warm_up_seconds";
/// Time of its plain graph over its own, where that was measured.
pub const MODEL_SPEED_UP: &str = "ff_model_speed_up";
/// Bytes that it takes on its device.
pub const MODEL_BYTES: &str = "ff_model_bytes";
/// Items of its runs.
pub const MODEL_MICRO_BATCH: &str = "ff_model_micro_batch";
/// How often its micro-batch was halved because memory was full.
pub const MODEL_OUT_OF_MEMORY: &str = "ff_model_out_of_memory_total";

/// Cores that the process keeps busy.
pub const PROCESS_CPU_CORES: &str = "ff_process_cpu_cores";
/// Resident memory of the process.
pub const PROCESS_MEMORY_BYTES: &str = "ff_process_memory_bytes";
/// Share of the time in which a device computes, 0 to 1, by `device` and `name`.
pub const DEVICE_UTILISATION: &str = "ff_device_utilisation";
/// Bytes of a device's memory in use, by all processes.
pub const DEVICE_MEMORY_BYTES: &str = "ff_device_memory_bytes";
/// Bytes of a device's memory.
pub const DEVICE_MEMORY_TOTAL_BYTES: &str = "ff_device_memory_total_bytes";
/// Temperature of a device.
pub const DEVICE_TEMPERATURE: &str = "ff_device_temperature_celsius";
/// Clock of a device's processors.
pub const DEVICE_CLOCK: &str = "ff_device_clock_megahertz";

/// Projects that have a label of their own; what comes later is counted as `other`.
const PROJECTS: usize = 32;

/// Tasks that this process has now.
static TASKS_NOW: AtomicU32 = AtomicU32::new(0);

/// Upper bounds of the histograms' buckets in seconds: from a light task in memory to an encode group.
pub(crate) const SECONDS: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// A task's own result: the label `result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskResult {
    /// Committed.
    Done,
    /// To be tried again.
    Retry,
    /// The input cannot be processed.
    BadInput,
    /// The process or the stage broke.
    Crashed,
}

impl TaskResult {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Done, Self::Retry, Self::BadInput, Self::Crashed];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::BadInput => "bad_input",
            Self::Crashed => "crashed",
        }
    }
}

/// What became of a frame: the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameOutcome {
    /// It has a result.
    Result,
    /// It failed.
    Failed,
    /// A rule left it out.
    Skipped,
}

impl FrameOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Result, Self::Failed, Self::Skipped];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Says what each metric is and in what unit, to the recorder that is installed.
pub(crate) fn describe() {
    describe_counter!(TASKS, "Tasks that came to an end, by stage and result");
    describe_counter!(FRAMES, "Frames that got their outcome, by stage and outcome");
    describe_histogram!(TASK_SECONDS, Unit::Seconds, "Time from the start of a task to its end, by stage");
    describe_histogram!(QUEUE_SECONDS, Unit::Seconds, "Time from a task's publication to a worker taking it, by stage");
    describe_gauge!(IN_FLIGHT, "Tasks that workers of this process have now, by stage");
    describe_gauge!(BLOB_BYTES, Unit::Bytes, "Bytes of blobs in use now");
    describe_gauge!(BLOB_CAPACITY_BYTES, Unit::Bytes, "Bytes that blobs may occupy");
    describe_counter!(REDELIVERIES, "Tasks that were handed out before, by stage");
    describe_gauge!(STAGE_SECONDS, Unit::Seconds, "Time that stages worked, waiting included, by project and stage");
    describe_gauge!(STAGE_CPU_SECONDS, Unit::Seconds, "Processor time that stages took, by project and stage");
    describe_gauge!(BACKLOG_SECONDS, Unit::Seconds, "Work that jobs have left, by stage");
    describe_gauge!(JOBS, "Jobs, by status");
    describe_gauge!(MODEL_LOAD_SECONDS, Unit::Seconds, "Time to load a model, by model and provider");
    describe_gauge!(MODEL_WARM_UP_SECONDS, Unit::Seconds, "Time of a model's runs on zeros, by model and provider");
    describe_gauge!(MODEL_SPEED_UP, "Time of a model's plain graph over its own, by model and provider");
    describe_gauge!(MODEL_BYTES, Unit::Bytes, "Memory of a model on its device, by model and provider");
    describe_gauge!(MODEL_MICRO_BATCH, "Items of a model's runs, by model and provider");
    describe_counter!(
        MODEL_OUT_OF_MEMORY,
        "Halvings of a model's micro-batch because memory was full, by model and provider"
    );
    describe_gauge!(PROCESS_CPU_CORES, "Cores that the process kept busy, over the last second");
    describe_gauge!(PROCESS_MEMORY_BYTES, Unit::Bytes, "Resident memory of the process");
    describe_gauge!(DEVICE_UTILISATION, "Share of the time in which a device computed, by device and name");
    describe_gauge!(DEVICE_MEMORY_BYTES, Unit::Bytes, "Memory of a device in use by all processes, by device and name");
    describe_gauge!(DEVICE_MEMORY_TOTAL_BYTES, Unit::Bytes, "Memory of a device, by device and name");
    describe_gauge!(DEVICE_TEMPERATURE, "Temperature of a device in degrees Celsius, by device and name");
    describe_gauge!(DEVICE_CLOCK, "Clock of a device's processors in MHz, by device and name");
    describe_gauge!(LEADER, "1 for the orchestrator that is the leader, 0 for one that waits");
}

/// A worker took a task: attempt 1 is its first hand-out, `queued` the time since its publication.
pub fn task_taken(stage: &str, attempt: u64, queued: Duration) {
    histogram!(QUEUE_SECONDS, "stage" => stage.to_owned()).record(queued);
    gauge!(IN_FLIGHT, "stage" => stage.to_owned()).increment(1.0);
    TASKS_NOW.fetch_add(1, Ordering::Relaxed);
    if attempt > 1 {
        counter!(REDELIVERIES, "stage" => stage.to_owned()).increment(1);
    }
}

/// A task that was taken came to its end after `spent`.
pub fn task_ended(stage: &str, result: TaskResult, spent: Duration) {
    gauge!(IN_FLIGHT, "stage" => stage.to_owned()).decrement(1.0);
    TASKS_NOW.fetch_sub(1, Ordering::Relaxed);
    counter!(TASKS, "stage" => stage.to_owned(), "result" => result.as_str()).increment(1);
    histogram!(TASK_SECONDS, "stage" => stage.to_owned()).record(spent);
}

/// So many frames got this outcome.
pub fn frames(stage: &str, outcome: FrameOutcome, count: u64) {
    counter!(FRAMES, "stage" => stage.to_owned(), "outcome" => outcome.as_str()).increment(count);
}

/// So many bytes of blobs are in use now.
pub fn blob_bytes(used: u64) {
    gauge!(BLOB_BYTES).set(used as f64);
}

/// Blobs may occupy so many bytes.
pub fn blob_capacity(bytes: u64) {
    gauge!(BLOB_CAPACITY_BYTES).set(bytes as f64);
}

/// Tasks that workers of this process have now.
pub fn in_flight() -> u32 {
    TASKS_NOW.load(Ordering::Relaxed)
}

/// A stage worked for a project: so long on the wall, and so long of a processor.
pub fn stage_seconds(project: &str, stage: &str, seconds: f64, cpu_seconds: f64) {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock();
    let own = known.contains(project) || (known.len() < PROJECTS && known.insert(project.to_owned()));
    drop(known);
    let project = if own { project } else { "other" };
    // A gauge that only grows: counters of this library are whole numbers.
    for (metric, seconds) in [(STAGE_SECONDS, seconds), (STAGE_CPU_SECONDS, cpu_seconds)] {
        gauge!(metric, "project" => project.to_owned(), "stage" => stage.to_owned()).increment(seconds);
    }
}

/// Jobs have so many seconds of a stage's work left.
pub fn backlog_seconds(stage: &str, seconds: f64) {
    gauge!(BACKLOG_SECONDS, "stage" => stage.to_owned()).set(seconds);
}

/// So many jobs have this status.
pub fn jobs(status: &'static str, count: usize) {
    gauge!(JOBS, "status" => status).set(count as f64);
}

/// Whether this orchestrator is the leader.
pub fn leader(is_leader: bool) {
    gauge!(LEADER).set(f64::from(u8::from(is_leader)));
}

/// A model as it really runs. Models are those of the catalogue, so their names are bounded.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Id of the model.
    pub id: &'a str,
    /// What executed nodes of it; empty before the first run.
    pub provider: &'a str,
    /// Time to load it, making its compiled model included.
    pub load_seconds: f64,
    /// Time of its runs on zeros.
    pub warm_up_seconds: f64,
    /// Time of the plain graph over its own; absent until measured.
    pub speed_up: Option<f64>,
    /// Memory on its device.
    pub bytes: u64,
    /// Items of its runs.
    pub micro_batch: usize,
    /// How often that was halved because memory was full.
    pub out_of_memory: u32,
}

/// How a model runs.
pub fn model(model: &Model) {
    let labels = [("model", model.id.to_owned()), ("provider", model.provider.to_owned())];
    gauge!(MODEL_LOAD_SECONDS, &labels).set(model.load_seconds);
    gauge!(MODEL_WARM_UP_SECONDS, &labels).set(model.warm_up_seconds);
    gauge!(MODEL_BYTES, &labels).set(model.bytes as f64);
    gauge!(MODEL_MICRO_BATCH, &labels).set(model.micro_batch as f64);
    counter!(MODEL_OUT_OF_MEMORY, &labels).absolute(model.out_of_memory.into());
    if let Some(ratio) = model.speed_up {
        gauge!(MODEL_SPEED_UP, &labels).set(ratio);
    }
}

/// How busy the process was lately. What is not known leaves no number.
pub fn process(cpu_cores: f64, memory: Option<u64>) {
    gauge!(PROCESS_CPU_CORES).set(cpu_cores);
    if let Some(bytes) = memory {
        gauge!(PROCESS_MEMORY_BYTES).set(bytes as f64);
    }
}

/// A device beside the processor, as its driver describes it now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Device<'a> {
    /// What programs call it: `cuda:0`.
    pub id: &'a str,
    /// What its maker calls it.
    pub name: &'a str,
    /// Share of the time in which it computes, 0 to 1.
    pub utilisation: Option<f64>,
    /// Bytes of its memory in use.
    pub memory_used: Option<u64>,
    /// Bytes of its memory.
    pub memory_total: Option<u64>,
    /// Degrees Celsius.
    pub temperature: Option<u32>,
    /// MHz.
    pub clock_mhz: Option<u32>,
}

/// How busy a device is. What its driver does not say leaves no number; what it says no longer is not a number.
pub fn device(device: &Device) {
    static SAID: Mutex<BTreeSet<(String, &'static str)>> = Mutex::new(BTreeSet::new());
    let labels = [("device", device.id.to_owned()), ("name", device.name.to_owned())];
    let values = [
        (DEVICE_UTILISATION, device.utilisation),
        (DEVICE_MEMORY_BYTES, device.memory_used.map(|bytes| bytes as f64)),
        (DEVICE_MEMORY_TOTAL_BYTES, device.memory_total.map(|bytes| bytes as f64)),
        (DEVICE_TEMPERATURE, device.temperature.map(f64::from)),
        (DEVICE_CLOCK, device.clock_mhz.map(f64::from)),
    ];
    let mut said = SAID.lock();
    for (metric, value) in values {
        let known = (device.id.to_owned(), metric);
        match value {
            Some(value) => {
                gauge!(metric, &labels).set(value);
                said.insert(known);
            }
            None if said.contains(&known) => gauge!(metric, &labels).set(f64::NAN),
            None => {}
        }
    }
}
