//! An upper bound of cosines from a few numbers a vector.
//!
//! In an orthonormal basis of few directions, a · b = (projections of a and b) + (what is left of a) · (what is left of b), and
//! the second product is at most that of the lengths (Cauchy and Schwarz). With the length of what is left as one more number,
//! the scalar product of two such short vectors is the bound. It is tight when the directions are those in which the vectors
//! are long (the largest singular vectors of a sample, by orthogonal iteration: Golub and Van Loan 2013, 8.2.4), and holds for any.
use crate::Vectors;
use ndarray::{Array2, Axis, s};

/// Directions; a vector of no more values is kept as it is.
const DIRECTIONS: usize = 63;
/// Vectors that the directions are found from, and iterations.
const SAMPLE: usize = 2048;
const ITERATIONS: usize = 4;
/// Vectors that are projected at a time.
const BLOCK: usize = 2048;
/// What the bound may be too low by for the arithmetic of 32 bits.
pub const ROUNDING: f32 = 1e-4;

/// The short vectors of some rows: the scalar product of two bounds the cosine of what they are of from above, to
/// [`ROUNDING`].
pub fn project(vectors: &Vectors, rows: &[usize]) -> Array2<f32> {
    if vectors.dimension() <= DIRECTIONS + 1 {
        return vectors.gather(rows);
    }
    let basis = basis(vectors, rows);
    let mut short = Array2::zeros((rows.len(), DIRECTIONS + 1));
    for start in (0..rows.len()).step_by(BLOCK) {
        let end = (start + BLOCK).min(rows.len());
        let block = vectors.gather(&rows[start..end]);
        let projected = block.dot(&basis);
        let rest = (&block - &projected.dot(&basis.t())).map_axis(Axis(1), |row| row.dot(&row).sqrt());
        short.slice_mut(s![start..end, ..DIRECTIONS]).assign(&projected);
        short.slice_mut(s![start..end, DIRECTIONS]).assign(&rest);
    }
    short
}

/// Orthonormal directions, one a column.
fn basis(vectors: &Vectors, rows: &[usize]) -> Array2<f32> {
    let step = rows.len().div_ceil(SAMPLE).max(1);
    let sample = vectors.gather(&rows.iter().copied().step_by(step).collect::<Vec<_>>());
    // Cosines of growing frequency: independent directions to begin with.
    let wave = |(i, j): (usize, usize)| {
        (std::f32::consts::PI * (i as f32 + 0.5) * j as f32 / vectors.dimension() as f32).cos()
    };
    let mut basis = Array2::from_shape_fn((vectors.dimension(), DIRECTIONS), wave);
    orthonormalise(&mut basis);
    for _ in 0..ITERATIONS {
        basis = sample.t().dot(&sample.dot(&basis));
        orthonormalise(&mut basis);
    }
    basis
}

/// Gram and Schmidt, twice for the sake of 32 bits. Directions that vanish become zero: the bound holds without them.
fn orthonormalise(basis: &mut Array2<f32>) {
    for column in 0..basis.ncols() {
        let mut direction = basis.column(column).to_owned();
        let before = direction.dot(&direction).sqrt();
        for _ in 0..2 {
            let earlier = basis.slice(s![.., ..column]);
            direction -= &earlier.dot(&earlier.t().dot(&direction));
        }
        let length = direction.dot(&direction).sqrt();
        direction *= if length > 1e-4 * before { 1.0 / length } else { 0.0 };
        basis.column_mut(column).assign(&direction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_is_close_where_vectors_have_few_directions() {
        // Vectors whose values shrink along the row, as principal components do.
        let mut random = fastrand::Rng::with_seed(6);
        let mut vectors = Vectors::new(200);
        for _ in 0..150 {
            let row: Vec<f32> = (0..200).map(|i| (random.f32() - 0.5) / (1.0 + i as f32 / 8.0)).collect();
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            vectors.push(&row.iter().map(|value| value / length).collect::<Vec<_>>()).unwrap();
        }
        let short = project(&vectors, &(0..150).collect::<Vec<_>>());
        assert_eq!(short.dim(), (150, DIRECTIONS + 1));
        let mut looseness = 0.0;
        for a in 0..150 {
            for b in 0..150 {
                let (bound, cosine) = (short.row(a).dot(&short.row(b)), vectors.cosine(a, b));
                assert!(bound >= cosine - ROUNDING, "{bound} {cosine}");
                looseness += (bound - cosine) / (150.0 * 150.0);
            }
        }
        assert!(looseness < 0.1, "{looseness}");
    }
}
