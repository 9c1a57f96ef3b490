//! Persons followed over the frames of an item.

pub(crate) mod character;
pub(crate) mod gaps;
pub(crate) mod series;
pub(crate) mod tracker;
