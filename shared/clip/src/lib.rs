//! CLIP and SigLIP 2: pictures and texts as vectors of one space. An [`ImageTower`] and a [`TextTower`] are opened apart, each of a model of
//! `framefleet-infer` and the [`Family`] that it was trained as; [`Scoring`] makes probabilities of their cosines.
//!
//! Pre-processing and tokens follow the reference implementations. Parity with them is shown on fixed random weights (`tools/parity`), for
//! any weights of the same architecture.

mod error;
mod family;
mod image_tower;
mod preprocessing;
mod resize;
mod scoring;
mod text_tower;
mod tokenizer;
mod tower;

pub use error::ClipError;
pub use family::Family;
pub use image_tower::ImageTower;
pub use preprocessing::{PictureError, Preprocessing};
pub use scoring::{Scoring, cosine};
pub use text_tower::TextTower;
pub use tokenizer::{Tokenizer, TokenizerError, Tokens};
