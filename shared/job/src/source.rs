//! The source of an output, read again: pictures for reports and exports.
mod batches;
mod pictures;

pub(crate) use batches::SourceBatches;
pub use pictures::SourcePictures;
