//! Containers, read and not decoded: packets, their times, sound.
pub mod audio;
pub(crate) mod crop;
pub(crate) mod demux;
pub(crate) mod timeline;
