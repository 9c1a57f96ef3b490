//! Colour, as FFmpeg and image files speak of it.
mod grey;
pub mod hdr;
pub mod matrix;
mod profile;
mod tags;

pub use grey::is_grey;
pub use profile::profile;
pub use tags::Tags;
