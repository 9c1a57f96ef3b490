//! Folders of images from one run to the next: the number of every still, and which files have been read.
mod known;
pub mod numbering;

pub use known::{KnownFolder, Stamps, digested};
pub use numbering::{Changes, changes};
