//! The results of a finished output in other programs' formats.
//!
//! [`export`] reads the records of one step, in frame order and with what finish amended, and hands them to the writer of a
//! [`Format`]. A format is one file of this crate: what it writes, row by row, so that memory does not grow with the footage.
//! Formats that show pixels get them from [`Pictures`], which the caller provides. No models run.

mod coco_keypoints;
mod error;
mod export;
mod format;
mod mask_products;
mod mot;
mod overlay;
mod pictures;
mod place;
mod writer;

pub use error::ExportError;
pub use export::{Exported, Request, export};
pub use format::Format;
pub use pictures::Pictures;
