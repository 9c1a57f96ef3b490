//! COCO: the objects of an output in the format of the COCO data sets (object instances and keypoints). coco.json in an output is written
//! by [`refresh`]; exports write the same of some steps, or with pictures.

mod annotation;
mod error;
mod file;
mod ids;
mod images;
mod names;
mod output_file;

pub use annotation::annotation;
pub use error::CocoError;
pub use file::{CocoFile, Piece};
pub use output_file::{Expected, expected, refresh};
