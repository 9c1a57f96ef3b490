//! Coordinates a job: what has happened is folded into a state, what should happen is derived from it, and the difference
//! to what is under way is published. Sees names and references, never pixels, and links no stage.

mod batch;
mod counts;
mod documents;
mod driver;
mod edits;
mod efficiency;
mod figures;
mod footage;
mod frame_sets;
mod job;
mod latency;
mod pace;
mod progress;
mod progress_wire;
mod queue_shares;
mod reconcile;
mod task;
mod trace;
mod waits;
mod workload;

pub use batch::Batch;
pub use counts::Counts;
pub use documents::take_long_files;
pub use driver::{Ending, JobRun, JobSummary, Orchestrator, OrchestratorError};
pub use edits::{Boxes, PictureSearch, Resolved, boxes_on};
pub use efficiency::{Efficiency, Machines};
pub use figures::figures;
pub use job::{Fact, JobOptions, JobState, Lookup};
pub use latency::{Latency, StepLatency};
pub use progress::{Progress, StepProgress};
pub use queue_shares::{QueueShare, QueueShares};
pub use task::{TaskRef, Work};
pub use waits::Waits;
pub use workload::{Earlier, StepFrames};
