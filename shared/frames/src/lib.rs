//! What frames, items and annotations are: pixels in memory, times, sizes and names, outcomes, and their wire forms. Nothing is decoded here.
//!
//! Coordinates are pixels of the full frame as displayed: rotation applied, pixels square, y down, boxes xyxy.

pub mod alpha;
pub mod annotation;
pub mod extensions;
pub mod frame;
mod index_request;
pub mod item;
pub mod limits;
pub mod made;
pub mod naming;
pub mod outcomes;
mod passed_over;
mod pictures;
mod read_error;
pub mod skeleton;
mod stamp;
pub mod times;
mod video_file;

pub use annotation::{Kind, Outcome};
pub use frame::{Frame, Image, ImageError, proxy_size};
/// The messages of the wire format, annotations among them: stages know them from here.
pub use framefleet_proto::v1::*;
pub use index_request::IndexRequest;
pub use passed_over::passed_over;
pub use pictures::Pictures;
pub use read_error::ReadError;
pub use stamp::stamp;
pub use video_file::VideoFile;
