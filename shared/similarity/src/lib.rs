//! Similar vectors.
//!
//! [`Vectors`] holds embeddings of unit length in 16 bits; [`top`] finds the most similar ones exactly, page by page. [`groups`]
//! finds duplicates in two tiers: *alike* by cosine, and *the same picture*, which the caller proves pair by pair, as with
//! `same_picture` of framefleet-same-picture. Everything is a function of its input alone: the same on any number of
//! threads.
mod alike;
mod groups;
mod keep;
mod pair;
mod projection;
mod runs;
mod search;
mod union;
mod vectors;

pub use groups::{Group, Groups, Options, Tier, groups};
pub use keep::{Keep, Quality, kept};
pub use pair::Pair;
pub use search::{Hit, top};
pub use vectors::Vectors;

/// Vectors or thresholds that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SimilarityError {
    /// A vector of another length.
    #[error("a vector of {found} values, but {expected} are expected: it comes from another model")]
    Dimension {
        /// Values there should be.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// A vector that is not of unit length.
    #[error("a vector of length {0}: vectors of length 1 are expected")]
    Length(f32),
    /// More vectors than indices.
    #[error("more than {max} vectors", max = u32::MAX)]
    TooMany,
    /// A threshold that is no cosine.
    #[error("a threshold of {0}: cosines above 0 and up to 1 are expected")]
    Threshold(f32),
}

#[cfg(test)]
mod tests;
