//! What a rule found.
use serde::{Deserialize, Serialize};
use std::fmt;

/// What holds a run up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Memory of a machine is nearly full.
    Memory,
    /// Memory of a device is nearly full.
    DeviceMemory,
    /// A device computes nearly all the time.
    Device,
    /// Models run on a device that is idle most of the time.
    DeviceIdle,
    /// Decoding.
    Decode,
    /// Encoding.
    Encode,
    /// A step's own work.
    Compute,
    /// Tasks are ready to compute, and others have the cores.
    CoreWait,
    /// A step waits, and computes nothing meanwhile.
    Waiting,
    /// Reading frames out of blobs.
    BlobWait,
    /// Writing results into the ledger.
    LedgerWait,
    /// Tasks wait for workers that are idle.
    BusWait,
}

/// A setting that helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The setting: an argument (`--threads`), or a step's (`segmentation.micro_batch`).
    pub setting: String,
    /// The value to give it.
    pub value: String,
    /// What that does, in a sentence's part: "so that more tasks wait at a time".
    pub effect: String,
}

impl Remedy {
    /// It as an argument: `--threads 8`, `--set segmentation.micro_batch=8`.
    pub fn argument(&self) -> String {
        let (setting, value) = (&self.setting, &self.value);
        match (setting.starts_with("--"), value.contains(' ') || setting.contains('*')) {
            (true, _) => format!("{setting} {value}"),
            (false, true) => format!("--set '{setting}={value}'"),
            (false, false) => format!("--set {setting}={value}"),
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` {}", self.argument(), self.effect)
    }
}

/// What a rule found, with the figures that it goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What holds the run up.
    pub limit: Limit,
    /// The step that does, where it is one.
    pub step: Option<String>,
    /// The share that the rule goes by, 0 to 1.
    pub share: f64,
    /// The same in a sentence with its figures.
    pub text: String,
    /// What helps, where a setting does.
    pub remedy: Option<Remedy>,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remedy {
            Some(remedy) => write!(out, "{}; {remedy}", self.text),
            None => out.write_str(&self.text),
        }
    }
}
