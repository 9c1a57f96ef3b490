//! Frames, batches, annotations and their wire forms; decoding, encoding and audio by FFmpeg.
//!
//! Coordinates are pixels of the full frame as displayed: rotation applied, pixels square, y down, boxes xyxy.

pub mod annotation;
mod colour;
mod container;
pub mod decode;
pub mod encode;
pub mod frame;
pub mod index;
pub mod item;
pub mod limits;
mod log;
pub mod made;
pub mod naming;
pub mod outcomes;
pub mod probe;
mod read_error;
pub mod skeleton;
mod slot;
mod still;
pub mod times;
mod video;

pub use annotation::{Kind, Outcome};
pub use container::audio;
pub use decode::Decoders;
pub use frame::{Frame, Image, ImageError, proxy_size};
/// The messages of the wire format, annotations among them: stages know them from here.
pub use framefleet_proto::v1::*;
pub use probe::{ImageFolders, ImageReading, Probed, passed_over, probe, probe_with};
pub use read_error::ReadError;
pub use still::known::{KnownFolder, Stamps};
pub use still::numbering::{Changes, changes};
pub use video::deinterlace::Deinterlace;
pub use video::{deinterlace, scan};
