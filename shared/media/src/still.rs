//! Images: their files, the numbers of stills in a folder, and what is known of a folder from one run to the next.
pub(crate) mod file;
mod jpeg;
pub(crate) mod known;
pub(crate) mod numbering;
pub(crate) mod several;
mod tiff;
