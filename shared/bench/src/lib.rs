//! The bench: a pipeline over sizes of footage, batches, precisions and backends, each measured as the job that `run` would do.
//!
//! Every combination is a [`Row`]: what was measured, or why it was not. A combination that did not run as it was asked to (another
//! batch, another provider) has no figures. Rows make a [`Document`], which is written as JSON, CSV and a page, compared with another
//! ([`compare`]), and searched for a plan that meets a target ([`Target`]).

mod backend;
mod compare;
mod document;
mod error;
pub mod footage;
mod matrix;
mod measure;
mod output;
mod page;
mod recommend;
mod row;
mod size;
mod table;
mod target;

pub use backend::Backend;
pub use compare::{Bound, Change, Comparison, compare};
pub use document::{Document, Machine, Subject};
pub use error::BenchError;
pub use matrix::{Combination, Matrix};
pub use measure::{Bench, Clip, Window};
pub use output::write;
pub use recommend::recommendation;
pub use row::{Figures, RanModel, Row, StepFigures};
pub use size::Size;
pub use target::{Chosen, Target};
