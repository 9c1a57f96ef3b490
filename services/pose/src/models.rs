//! The models: detectors of persons, and the landmarks of one.

pub(crate) mod blazepose;
pub(crate) mod input;
pub(crate) mod landmarks;
pub(crate) mod multi;
pub(crate) mod region;
pub(crate) mod single;
