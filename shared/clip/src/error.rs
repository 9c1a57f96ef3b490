//! Why there is no vector.
use crate::{Family, PictureError, TokenizerError};
use framefleet_infer::InferError;

/// A vector that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The model fails.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// The picture cannot be prepared.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The text cannot be made tokens.
    #[error(transparent)]
    Text(#[from] TokenizerError),
    /// A model that is no such tower.
    #[error("model {model} is no {tower} tower: it takes and gives {found}; expected is {expected}")]
    Tower {
        /// Name of the model.
        model: String,
        /// `image` or `text`.
        tower: &'static str,
        /// What it takes and gives.
        found: String,
        /// What a tower takes and gives.
        expected: &'static str,
    },
    /// An axis that the model leaves open, and whoever opened it too.
    #[error("model {model}: axis {axis} of its input {input} is open; fix its size when the model is opened")]
    Open {
        /// Name of the model.
        model: String,
        /// The input.
        input: String,
        /// The axis.
        axis: String,
    },
    /// A text tower of another length than its family's.
    #[error("model {model} takes texts of {length} tokens; {family} was trained with {}", family.context())]
    Context {
        /// Name of the model.
        model: String,
        /// Tokens that it takes.
        length: usize,
        /// What it was opened as.
        family: Family,
    },
    /// A vector without a direction.
    #[error("model {model} gives item {item} a vector of length {length}: it has no direction")]
    Vector {
        /// Name of the model.
        model: String,
        /// The item, from 0.
        item: usize,
        /// Length of the vector.
        length: f32,
    },
    /// Vectors of one model differ in size.
    #[error("vectors of one model differ in size: {0}")]
    Rows(#[from] ndarray::ShapeError),
}
