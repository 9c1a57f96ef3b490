//! Fleets of real processes: a real bus, an orchestrator, workers; killed, stopped, cut off, started again.

mod faults;
mod films;
mod kills;
mod left_out;
mod refusals;
mod same_answer;
mod sharing;
mod soak;
mod stills;
mod up;

use crate::processes::{Fleet, PATIENCE, Process, free_port, results, status};
use framefleet_proto::control::JobStatus;
