//! Runs a stage on films in memory the way a runner does: batches with their halo, then finish over all of it. For tests only.
//!
//! A [`Film`] is an item with its frames and what other steps say of them; a [`Step`] is a loaded stage. The stage is given what
//! its needs declare and no more, and may make what they declare and no more: what works here works in a plan.

mod error;
mod film;
mod golden;
mod halves;
mod made;
mod records;
mod settings;
mod sound;
mod soundtracks;
mod step;
mod variation;

pub use error::StepError;
pub use film::{Film, Found, RATE, on_range, rgb8, shot};
pub use golden::golden;
pub use halves::process_reads_no_finish_setting;
pub use made::{Finished, Processed};
pub use records::Kept;
pub use sound::{Heard, Silence, Tracks};
pub use step::{Step, job};
pub use variation::variation;
