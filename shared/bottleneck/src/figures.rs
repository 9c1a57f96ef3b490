//! What was measured of a run.

/// A run's figures; shares are 0 to 1, what was not measured is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Wall time of the run.
    pub seconds: f64,
    /// Threads that may compute at a time.
    pub threads: usize,
    /// Whether they are the slots of workers in a fleet.
    pub in_fleet: bool,
    /// Cores of the machines.
    pub cores: Option<usize>,
    /// Share of the cores' time in which the run's processes computed.
    pub cpu: Option<f64>,
    /// Largest share of a machine's memory in use.
    pub memory: Option<f64>,
    /// Bytes that frames in flight may occupy.
    pub frame_memory: Option<u64>,
    /// Devices that the run's models ran on.
    pub devices: Vec<DeviceFigures>,
    /// Steps, decoding among them.
    pub steps: Vec<StepFigures>,
}

/// A device beside the processor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceFigures {
    /// What it is called.
    pub name: String,
    /// Mean share of the time in which it computed.
    pub utilisation: Option<f64>,
    /// Largest share of its memory in use.
    pub memory: Option<f64>,
}

/// What kind of work a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Work {
    /// It decodes the source.
    Decode,
    /// It encodes frames.
    Encode,
    /// Anything else.
    #[default]
    Compute,
}

/// A step's tasks together, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepFigures {
    /// Its name.
    pub step: String,
    /// What kind of work it is.
    pub work: Work,
    /// Tasks.
    pub tasks: u64,
    /// The stage's own work, on the wall.
    pub seconds: f64,
    /// Of a processor, in that.
    pub cpu_seconds: f64,
    /// That a device was occupied, in that.
    pub device_seconds: f64,
    /// In which it was ready to compute and others had the cores; 0 where that is not known.
    pub delay_seconds: f64,
    /// From a task's publication until a worker took it.
    pub queue_seconds: f64,
    /// Reading inputs: frames out of blobs, results out of the ledger.
    pub fetch_seconds: f64,
    /// Putting results into the ledger.
    pub commit_seconds: f64,
    /// Items per run of its models, where the setting `micro_batch` decides that.
    pub micro_batch: Option<u64>,
    /// Whether it has a profile `fast` that it does not run with.
    pub has_faster_profile: bool,
}
