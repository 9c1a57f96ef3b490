//! One-to-one assignment by the Hungarian method: who of then is who of now.
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Similarities are compared in millionths: the method needs numbers that add up exactly.
const STEPS: f64 = 1e6;

/// Pairs `(row, column)` with the largest sum of similarities, ascending by row. `similarity(row, column)` is in 0–1 (what is no
/// number counts as 0); pairs below `min`, which is above 0, are never made.
pub fn assign(rows: usize, columns: usize, min: f32, similarity: impl Fn(usize, usize) -> f32) -> Vec<(usize, usize)> {
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let weight = |row: usize, column: usize| {
        let value = similarity(row, column);
        if value >= min { (f64::from(value) * STEPS) as i64 } else { 0 }
    };
    // The method wants no more rows than columns.
    let turned = rows > columns;
    let (short, long) = if turned { (columns, rows) } else { (rows, columns) };
    let weights = Matrix::from_fn(short, long, |(s, l)| if turned { weight(l, s) } else { weight(s, l) });
    let (_, assigned) = kuhn_munkres(&weights);
    let pairs = assigned.into_iter().enumerate().filter(|&(s, l)| weights[(s, l)] > 0);
    let mut pairs: Vec<(usize, usize)> = pairs.map(|(s, l)| if turned { (l, s) } else { (s, l) }).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(matrix: &[&[f32]], min: f32) -> Vec<(usize, usize)> {
        assign(matrix.len(), matrix.first().map_or(0, |row| row.len()), min, |row, column| matrix[row][column])
    }

    #[test]
    fn the_sum_decides_and_not_the_best_single_pair() {
        assert_eq!(of(&[&[0.9, 0.8], &[0.85, 0.1]], 0.05), [(0, 1), (1, 0)]);
    }

    #[test]
    fn pairs_below_the_least_are_not_made() {
        assert_eq!(of(&[&[0.9, 0.2], &[0.85, 0.1]], 0.5), [(0, 0)]);
        assert_eq!(of(&[&[f32::NAN]], 0.5), []);
        assert_eq!(of(&[], 0.5), []);
    }

    #[test]
    fn more_rows_than_columns_are_fine() {
        assert_eq!(of(&[&[0.3], &[0.9], &[0.5]], 0.1), [(1, 0)]);
    }
}
