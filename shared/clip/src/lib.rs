//! CLIP: pictures and texts as vectors of one space (Radford et al., "Learning Transferable Visual Models From Natural Language
//! Supervision", 2021). Tokenizer and pre-processing follow the reference implementation; the towers are models of `framefleet-infer`.
//!
//! Parity with the reference is shown on fixed random weights (`tools/parity`), for any weights of the same architecture.

mod bicubic;
mod picture;
mod tokenizer;
mod towers;

pub use picture::{MEAN, PictureError, Preprocessing, STD};
pub use tokenizer::{MERGES, Tokenizer, TokenizerError};
pub use towers::{Clip, ClipError, cosine};
