//! Frames, batches, annotations and their wire forms; decoding, encoding and audio by FFmpeg.
//!
//! Coordinates are pixels of the full frame as displayed: rotation applied, pixels square, y down, boxes xyxy.

mod alpha;
pub mod annotation;
pub mod audio;
mod convert;
mod cursor;
pub mod decode;
pub mod deinterlace;
mod demux;
pub mod encode;
pub mod frame;
mod hdr;
mod images;
pub mod index;
pub mod item;
mod known;
pub mod limits;
mod log;
pub mod made;
mod matrix;
pub mod naming;
mod numbering;
pub mod outcomes;
pub mod probe;
mod read_error;
pub mod scan;
pub mod skeleton;
mod still;
mod timeline;
pub mod times;

pub use annotation::{Kind, Outcome};
pub use decode::Decoders;
pub use deinterlace::Deinterlace;
pub use frame::{Frame, Image, ImageError, proxy_size};
/// The messages of the wire format, annotations among them: stages know them from here.
pub use framefleet_proto::v1::*;
pub use known::{KnownFolder, Stamps};
pub use numbering::{Changes, changes};
pub use probe::{ImageFolders, Probed, probe};
pub use read_error::ReadError;
