//! What is to be removed: masks, those that were missed, and the hole that they make.

pub(crate) mod cover;
pub(crate) mod edges;
pub(crate) mod gaps;
pub(crate) mod hole;
