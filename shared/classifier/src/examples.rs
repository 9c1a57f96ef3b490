//! What a classifier is trained from.
use crate::ClassifierError;
use ndarray::{Array2, ArrayView1, ArrayView2};

/// Vectors of one length with the names of their classes, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Examples {
    dimension: usize,
    values: Vec<f32>,
    classes: Vec<String>,
}

impl Examples {
    /// No examples yet, of vectors of this length.
    pub fn new(dimension: usize) -> Self {
        Self { dimension, values: Vec::new(), classes: Vec::new() }
    }

    /// Adds one.
    ///
    /// # Errors
    /// A vector of another length, or with values that are no numbers.
    pub fn push(&mut self, vector: &[f32], class: impl Into<String>) -> Result<(), ClassifierError> {
        check(vector, self.dimension)?;
        self.values.extend_from_slice(vector);
        self.classes.push(class.into());
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Values per vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The vector of one example.
    pub fn vector(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimension..(index + 1) * self.dimension]
    }

    /// The class of one example.
    pub fn class(&self, index: usize) -> &str {
        &self.classes[index]
    }

    /// The names of all classes, each once, in alphabetical order.
    pub fn classes(&self) -> Vec<String> {
        let mut classes = self.classes.clone();
        classes.sort();
        classes.dedup();
        classes
    }

    /// Every example's place in [`Examples::classes`].
    pub fn labels(&self) -> Vec<usize> {
        let classes = self.classes();
        self.classes.iter().map(|class| classes.partition_point(|other| other < class)).collect()
    }

    /// Without those whose cosine with an earlier one of the same class that stays is at least `min_cosine`; and the places of
    /// those that went. A hundred frames of one scene say no more than one, but outweigh everything else, and in
    /// cross-validation they are tested with what they were trained from.
    pub fn without_near_identical(&self, min_cosine: f32) -> (Self, Vec<usize>) {
        let labels = self.labels();
        let mut kept: Vec<Vec<(usize, f32)>> = vec![Vec::new(); self.classes().len()];
        let (mut rest, mut dropped) = (Self::new(self.dimension), Vec::new());
        for (index, label) in labels.into_iter().enumerate() {
            let vector = ArrayView1::from(self.vector(index));
            let length = vector.dot(&vector).sqrt();
            let near = |(other, of): &(usize, f32)| {
                vector.dot(&ArrayView1::from(self.vector(*other))) >= min_cosine * length * of
            };
            if kept[label].iter().any(near) {
                dropped.push(index);
                continue;
            }
            kept[label].push((index, length));
            rest.values.extend_from_slice(self.vector(index));
            rest.classes.push(self.classes[index].clone());
        }
        (rest, dropped)
    }

    /// The vectors of the examples at `places`, one a row, with a last column of ones for the intercepts.
    pub(crate) fn design(&self, places: &[usize]) -> Array2<f64> {
        let value = |(row, column): (usize, usize)| match self.vector(places[row]).get(column) {
            Some(value) => f64::from(*value),
            None => 1.0,
        };
        Array2::from_shape_fn((places.len(), self.dimension + 1), value)
    }
}

/// Whether this is a vector of that length.
pub(crate) fn check(vector: &[f32], dimension: usize) -> Result<(), ClassifierError> {
    if vector.len() != dimension {
        return Err(ClassifierError::Dimension { expected: dimension, found: vector.len() });
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ClassifierError::NotFinite { index, value: vector[index] }),
        None => Ok(()),
    }
}

/// Natural logarithms of the probabilities, row by row, in place (a row of scores becomes one whose exponentials add up to 1).
pub(crate) fn log_softmax(scores: &mut [f64]) {
    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - max).exp()).sum();
    let log = max + sum.ln();
    scores.iter_mut().for_each(|score| *score -= log);
}

/// Scores of every class (columns) for every vector of a design (rows).
pub(crate) fn scores(design: &ArrayView2<'_, f64>, weights: &ArrayView2<'_, f64>) -> Array2<f64> {
    design.dot(&weights.t())
}
