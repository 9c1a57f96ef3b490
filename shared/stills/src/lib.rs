//! Image files: their headers first, so that nothing is allocated for absurd sizes, then their pixels.
mod file;
pub mod icc;
mod jpeg;
mod several;
mod target;
mod tiff;

pub use file::{Colours, Header, Metadata, Place, animation, changed, described, header, metadata, picture, write};
pub use several::{Holds, holds};
pub use target::Target;
