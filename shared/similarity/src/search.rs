//! The most similar vectors, exactly.
use crate::vectors::dot;
use crate::{SimilarityError, Vectors};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Vectors that are compared at a time.
const BLOCK: usize = 1024;

/// One vector that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its row.
    pub row: u32,
    /// Its cosine with the query.
    pub score: f32,
}

impl Hit {
    /// The order of results: the highest score first, of equal ones the lowest row.
    fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.row.cmp(&other.row))
    }
}

/// The `count` vectors most similar to `query`, most similar first, of equal ones the lowest row. `after` is the last hit of the
/// page before: only what comes after it is returned, so that pages neither repeat nor leave out anything. The query need not
/// be of unit length.
///
/// # Errors
/// A query of another number of values, or of no length.
pub fn top(vectors: &Vectors, query: &[f32], count: usize, after: Option<Hit>) -> Result<Vec<Hit>, SimilarityError> {
    if query.len() != vectors.dimension() {
        return Err(SimilarityError::Dimension { expected: vectors.dimension(), found: query.len() });
    }
    let length = dot(query, query).sqrt();
    if !(length > 0.0 && length.is_finite()) {
        return Err(SimilarityError::Length(length));
    }
    let query: Vec<f32> = query.iter().map(|value| value / length).collect();
    let best_of = |start: usize| {
        let rows = start..(start + BLOCK).min(vectors.len());
        let block = vectors.block(rows.clone());
        let score = |(row, vector)| Hit { row: row as u32, score: dot(&query, vector) };
        let hits = rows.zip(block.chunks_exact(query.len())).map(score);
        best(hits.filter(|hit| after.is_none_or(|after| after.order(hit).is_lt())).collect(), count)
    };
    let starts: Vec<usize> = (0..vectors.len()).step_by(BLOCK).collect();
    let hits: Vec<Hit> = starts.into_par_iter().flat_map_iter(best_of).collect();
    Ok(best(hits, count))
}

/// The first `count` in order.
fn best(mut hits: Vec<Hit>, count: usize) -> Vec<Hit> {
    if hits.len() > count && count > 0 {
        hits.select_nth_unstable_by(count - 1, Hit::order);
    }
    hits.truncate(count);
    hits.sort_by(Hit::order);
    hits
}
