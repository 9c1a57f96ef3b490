//! Colour: matrices, high dynamic range to standard, alpha.
pub(crate) mod alpha;
pub(crate) mod hdr;
pub(crate) mod icc;
pub(crate) mod matrix;
