//! Coordinates a job: what has happened is folded into a state, what should happen is derived from it, and the difference
//! to what is under way is published. Sees names and references, never pixels, and links no stage.

mod admission;
mod batch;
mod counts;
mod documents;
mod driver;
mod edits;
mod efficiency;
mod expectation;
pub mod fleet;
mod footage;
mod frame_sets;
mod keys;
mod messages;
mod pace;
mod progress;
mod reconcile;
mod results;
mod schedule;
mod seats;
mod settle;
mod state;
mod take_up;
mod task;
mod trace;
mod workload;

pub use batch::Batch;
pub use counts::Counts;
pub use documents::take_long_files;
pub use driver::{Ending, JobRun, JobSummary, Orchestrator, OrchestratorError};
pub use edits::{Boxes, PictureSearch, Resolved, boxes_on};
pub use efficiency::{Efficiency, Machines};
pub use progress::{Progress, StepProgress};
pub use seats::{Seat, Seats};
pub use state::{Fact, JobOptions, JobState, Lookup};
pub use task::{TaskRef, Work};
pub use workload::{Earlier, StepFrames};
