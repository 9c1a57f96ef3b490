//! `bench.json`: what was measured, of what, on which machine.
use crate::BenchError;
use crate::row::Row;
use framefleet_utilisation::process;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::time::SystemTime;

/// Raised when a reader of the file would misunderstand it.
const SCHEMA: u32 = 1;

/// The results of a bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Version of this form.
    pub schema: u32,
    /// Version of the program.
    pub version: String,
    /// When it was measured, RFC 3339, UTC.
    pub created: String,
    /// Where.
    pub machine: Machine,
    /// What.
    pub subject: Subject,
    /// Combinations, in the order that they were measured.
    pub rows: Vec<Row>,
    /// The fastest setting and what limits it, in words.
    pub recommendation: String,
}

/// Where a bench ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Execution class of the processor.
    pub class: String,
    /// Cores that the process may use.
    pub cores: usize,
    /// Threads that computed at a time.
    pub threads: usize,
    /// Bytes that frames in flight might occupy.
    pub frame_memory: u64,
    /// Devices beside the processor, by name.
    pub devices: Vec<String>,
}

/// What a bench measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The source, as it was named; `synthetic` for a painted clip.
    pub source: String,
    /// Frames of every item in a run, at most.
    pub frames: u64,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Its steps.
    pub steps: Vec<String>,
}

impl Machine {
    /// This machine.
    pub fn here(threads: usize, frame_memory: u64) -> Self {
        let devices = framefleet_service::device_reader().read();
        Self {
            class: framefleet_service::execution_class(),
            cores: process::cores(),
            threads,
            frame_memory,
            devices: devices.into_iter().map(|device| format!("{} ({})", device.device, device.name)).collect(),
        }
    }
}

impl Document {
    /// The results of this program, now.
    pub fn new(machine: Machine, subject: Subject, rows: Vec<Row>) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            recommendation: crate::recommendation(&rows),
            machine,
            subject,
            rows,
        }
    }

    /// Reads a `bench.json`.
    pub fn read(path: &Path) -> Result<Self, BenchError> {
        let bytes = std::fs::read(path).map_err(BenchError::file(path))?;
        let document: Self =
            serde_json::from_slice(&bytes).map_err(|source| BenchError::Document { path: path.to_owned(), source })?;
        match document.schema {
            SCHEMA => Ok(document),
            other => {
                Err(BenchError::Argument(format!("{}: form {other}; this program reads {SCHEMA}", path.display())))
            }
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} with {} cores and {} threads", self.class, self.cores, self.threads)?;
        self.devices.iter().try_for_each(|device| write!(out, ", {device}"))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} frames of {} through {}", self.frames, self.source, self.steps.join(", "))
    }
}
