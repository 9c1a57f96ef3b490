//! Masks of objects: run lengths as COCO writes them, masks as images of a frame, and the images that are made of masks.

mod products;
mod rle;
mod scaled;

pub use products::{MaskProduct, Shown, tint};
pub use rle::Rle;
pub use scaled::union;
