//! What holds a job up: a pure function from measured figures to findings, each with the setting that helps.
//!
//! Rules and thresholds are in [`rules`], all of them. A rule speaks only of what was measured: an absent figure is no finding.

mod figures;
mod finding;
mod rules;

pub use figures::{DeviceFigures, Figures, StepFigures, Work};
pub use finding::{Finding, Limit, Remedy};
pub use rules::{findings, thresholds};
