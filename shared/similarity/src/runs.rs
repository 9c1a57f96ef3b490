//! Neighbours that are alike become one: the frames of a shot in which little moves.
use crate::Vectors;
use crate::vectors::dot;
use std::ops::Range;

/// Least cosine with the first of the run.
const MIN_COSINE: f32 = 0.99;

/// Consecutive rows, represented by the first.
#[derive(Clone, Debug)]
pub struct Run {
    pub rows: Range<usize>,
    /// The largest angle of any of them with the first, in radians.
    pub radius: f32,
}

impl Run {
    pub fn first(&self) -> usize {
        self.rows.start
    }
}

/// All rows as runs, in order; `follows` says of a row whether it comes after the row before it in one sequence.
pub fn runs(vectors: &Vectors, follows: impl Fn(usize) -> bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut first, mut row) = (vec![0.0; vectors.dimension()], vec![0.0; vectors.dimension()]);
    for index in 0..vectors.len() {
        vectors.read(index, &mut row);
        if let Some(run) = runs.last_mut().filter(|_| follows(index)) {
            let cosine = dot(&first, &row);
            if cosine >= MIN_COSINE {
                run.rows.end = index + 1;
                run.radius = run.radius.max(angle(cosine));
                continue;
            }
        }
        first.copy_from_slice(&row);
        runs.push(Run { rows: index..index + 1, radius: 0.0 });
    }
    runs
}

pub fn angle(cosine: f32) -> f32 {
    cosine.clamp(-1.0, 1.0).acos()
}
