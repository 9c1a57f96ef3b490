//! Geometry of images: projective maps, and fields that are completed where nothing is known.

pub mod completion;
pub mod homography;
