//! Embeddings in 16 bits.
use crate::SimilarityError;
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use ndarray::Array2;
use std::ops::Range;

/// What a vector's length may differ from 1 by: rounding to 16 bits.
const LENGTH_TOLERANCE: f32 = 0.01;
/// Products that are summed up side by side.
const LANES: usize = 16;

/// Vectors of unit length, two bytes a value. Rows are counted from 0 in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Vectors {
    dimension: usize,
    values: Vec<f16>,
}

impl Vectors {
    /// None yet, of this many values each.
    pub fn new(dimension: usize) -> Self {
        Self { dimension, values: Vec::new() }
    }

    /// Adds one.
    ///
    /// # Errors
    /// Another number of values, a length that is not 1, more than u32 counts.
    pub fn push(&mut self, vector: &[f32]) -> Result<(), SimilarityError> {
        self.push_half(vector.iter().map(|value| f16::from_f32(*value)))
    }

    /// Adds one of 16-bit floats, little endian.
    ///
    /// # Errors
    /// As [`Vectors::push`].
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), SimilarityError> {
        let (values, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(SimilarityError::Dimension { expected: self.dimension, found: values.len() });
        }
        self.push_half(values.iter().map(|bytes| f16::from_le_bytes(*bytes)))
    }

    fn push_half(&mut self, vector: impl ExactSizeIterator<Item = f16>) -> Result<(), SimilarityError> {
        if vector.len() != self.dimension {
            return Err(SimilarityError::Dimension { expected: self.dimension, found: vector.len() });
        }
        if self.len() == u32::MAX as usize {
            return Err(SimilarityError::TooMany);
        }
        let start = self.values.len();
        self.values.extend(vector);
        let length = self.values[start..].iter().map(|value| value.to_f32().powi(2)).sum::<f32>().sqrt();
        if (length - 1.0).abs() > LENGTH_TOLERANCE || length.is_nan() {
            self.values.truncate(start);
            return Err(SimilarityError::Length(length));
        }
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values per vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// One vector in 32 bits.
    pub fn get(&self, row: usize) -> Vec<f32> {
        let mut vector = vec![0.0; self.dimension];
        self.read(row, &mut vector);
        vector
    }

    /// Cosine of two of them.
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        dot(&self.get(a), &self.get(b))
    }

    /// One vector in 32 bits, into memory that is there.
    pub(crate) fn read(&self, row: usize, into: &mut [f32]) {
        self.values[row * self.dimension..(row + 1) * self.dimension].convert_to_f32_slice(into);
    }

    /// Some rows in 32 bits.
    pub(crate) fn block(&self, rows: Range<usize>) -> Vec<f32> {
        let mut block = vec![0.0; rows.len() * self.dimension];
        self.values[rows.start * self.dimension..rows.end * self.dimension].convert_to_f32_slice(&mut block);
        block
    }

    /// These rows in 32 bits, as a matrix.
    pub(crate) fn gather(&self, rows: &[usize]) -> Array2<f32> {
        let mut matrix = Array2::zeros((rows.len(), self.dimension));
        for (row, mut into) in rows.iter().zip(matrix.outer_iter_mut()) {
            if let Some(into) = into.as_slice_mut() {
                self.read(*row, into);
            }
        }
        matrix
    }
}

/// Scalar product, summed in lanes in a fixed order: the same bits on every machine.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
