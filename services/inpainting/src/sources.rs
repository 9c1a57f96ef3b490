//! Where pixels of the background come from: other frames of the window.

pub(crate) mod context;
pub(crate) mod fill;
pub(crate) mod merge;
pub(crate) mod reference;
