//! A selection of a finished output: the people and frames worth having, by what records say of them. `framefleet select` makes one,
//! exports take it.
//!
//! [`choose()`] reads the objects of an output once, leaves those that meet the [`Criteria`], and of these the best. A [`Selection`] lies in
//! the output as lines of JSON, under a name; [`contact_sheet`] shows it.
mod candidate;
mod choose;
mod criteria;
mod error;
mod selection;
mod sheet;
mod similarity;

pub use choose::choose;
pub use criteria::Criteria;
pub use error::SelectionError;
pub use selection::{ChosenFrame, ChosenObject, Selection};
pub use sheet::contact_sheet;
