//! A classifier of embeddings that is trained from examples.
//!
//! [`Examples`] are vectors with the names of their classes; "none of these" is a class as any other. [`Probe::fit`] makes
//! the classifier of them (multinomial logistic regression with L2), [`cross_validate`] says beforehand how good it will be and
//! which strength of regularisation serves best, and [`calibration`] measures and corrects how far its probabilities can be
//! believed. All results are functions of the examples and their order alone: the same on any number of threads.
pub mod calibration;
mod cross_validation;
mod examples;
mod file;
mod lbfgs;
mod probe;
mod regression;
pub mod scores;

pub use cross_validation::{CrossValidation, DEFAULT_GRID, Trial, cross_validate};
pub use examples::Examples;
pub use probe::Probe;

/// Examples that no classifier can be made of, or a vector or file that is not what the classifier takes.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// A vector of another length.
    #[error("a vector of {found} values, but {expected} are expected: it comes from another model")]
    Dimension {
        /// Values there should be.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// A vector with a value that is no number.
    #[error("value {index} of a vector is {value}: only finite numbers can be classified")]
    NotFinite {
        /// Place in the vector.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Fewer than two classes.
    #[error("examples of {0} classes: at least two are needed; examples of nothing in particular make a class `none`")]
    TooFewClasses(usize),
    /// A class with too few examples for cross-validation.
    #[error(
        "class `{class}` has {found} of at least 2 examples: cross-validation trains with some and tests with others"
    )]
    TooFewExamples {
        /// The class.
        class: String,
        /// Examples it has.
        found: usize,
    },
    /// Fewer than two folds.
    #[error("{0} folds: cross-validation takes at least 2")]
    Folds(usize),
    /// A strength that is no positive number, or none at all.
    #[error("C = {0}: the inverse strength of regularisation is a positive number")]
    Strength(f64),
    /// No strength to try.
    #[error("no value of C to try")]
    NoStrength,
    /// A temperature that is no positive number.
    #[error("temperature {0}: it is a positive number")]
    Temperature(f64),
    /// The optimum was not reached.
    #[error("training with C = {strength} ended {gradient:.1e} off its optimum: use a lower C")]
    NotConverged {
        /// The C.
        strength: f64,
        /// Largest component of the gradient.
        gradient: f64,
    },
    /// Bytes that are no probe.
    #[error("no probe file: {0}")]
    File(String),
}

#[cfg(test)]
mod tests;
