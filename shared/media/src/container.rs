//! Containers, read and not decoded: packets, their times, sound.
pub mod audio;
mod channels;
pub(crate) mod crop;
pub(crate) mod demux;
mod open;
mod sound;
pub(crate) mod steps;
pub(crate) mod timeline;
