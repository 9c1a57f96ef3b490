//! Footage with known truth and networks with known faults, for tests only.
//!
//! Painters make pictures of which everything is known (which frame it is, how it moves, how it is lit); [`Clip`] and the
//! still writers bring them into files by the `ffmpeg` program, so that what is tested is never its own witness: the
//! reference reader ([`decode_rgb8`], [`frame_times`], …) is that program too. Nothing here depends on our other crates.

mod clip;
mod colour;
mod damage;
mod display_matrix;
mod error;
mod field_pictures;
mod number;
mod picture;
mod proxy;
mod readers;
mod recording;
mod reference;
mod samples;
mod scene;
mod speech;
mod sphere;
mod splice;
mod stills;
mod talking;
mod texture;
mod timeline;

pub use clip::{Audio, Clip, Timing};
pub use colour::{chromaticity, srgb_decode, srgb_encode, temperature_patches, temperature_rgb};
pub use damage::{corrupt_middle, repeat, truncate};
pub use error::TestkitError;
pub use field_pictures::write_field_pictures;
pub use number::{numbered, read_number, read_number16, stamp_number};
pub use picture::Picture;
pub use proxy::FaultProxy;
pub use readers::read_by;
pub use recording::{Oddity, Recording, Truth};
pub use reference::{decode_errors, decode_rgb8, decode_rgb16, ffprobe, frame_times};
pub use samples::{sample, samples, samples_folder};
pub use scene::MovingSquare;
pub use speech::{loudness, speech};
pub use sphere::Sphere;
pub use splice::{append, count_frames, cut_beginning, onset, remux};
pub use stills::{corrupt_jpeg, image_folder, write_image, write_image16};
pub use talking::TalkingFace;
pub use texture::{Similarity, Texture};
pub use timeline::Timeline;
