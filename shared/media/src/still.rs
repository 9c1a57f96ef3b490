//! Images: their files, the numbers of stills in a folder, and what is known of a folder from one run to the next.
pub(crate) mod file;
pub(crate) mod known;
pub(crate) mod numbering;
