//! Pictures as 16 × 16 cells of luma, compared as a whole: small motion and noise average out, scenes differ.

/// Cells along each side.
pub const SIDE: usize = 16;
/// Cells of a picture.
pub const CELLS: usize = SIDE * SIDE;

/// Mean absolute difference, 0–255.
pub fn distance(a: &[u8], b: &[u8]) -> f64 {
    let sum: u32 = a.iter().zip(b).map(|(p, q)| u32::from(p.abs_diff(*q))).sum();
    f64::from(sum) / CELLS as f64
}

/// How alike the structure of two pictures is, whatever their brightness and contrast: the correlation of all cells, −1 to 1.
pub fn correlation(a: &[u8], b: &[u8]) -> f64 {
    pearson(a.iter().copied().map(f64::from), b.iter().copied().map(f64::from))
}

/// The same of what is finer than three cells: light from another side changes the rest.
pub fn fine_correlation(a: &[u8], b: &[u8]) -> f64 {
    let (a, b) = (fine(a), fine(b));
    pearson(a.iter().copied(), b.iter().copied())
}

/// Standard deviation of the cells, 0–127.
pub fn spread(cells: &[u8]) -> f64 {
    let mean = cells.iter().copied().map(f64::from).sum::<f64>() / CELLS as f64;
    let squares: f64 = cells.iter().map(|cell| (f64::from(*cell) - mean).powi(2)).sum();
    (squares / CELLS as f64).sqrt()
}

fn pearson(a: impl Iterator<Item = f64> + Clone, b: impl Iterator<Item = f64> + Clone) -> f64 {
    let mean = |of: &mut dyn Iterator<Item = f64>| of.sum::<f64>() / CELLS as f64;
    let (mean_a, mean_b) = (mean(&mut a.clone()), mean(&mut b.clone()));
    let (mut shared, mut own_a, mut own_b) = (0.0, 0.0, 0.0);
    for (p, q) in a.zip(b) {
        let (p, q) = (p - mean_a, q - mean_b);
        shared += p * q;
        own_a += p * p;
        own_b += q * q;
    }
    shared / (own_a * own_b).sqrt().max(1e-6)
}

/// Every cell less the mean of the nine around it.
fn fine(cells: &[u8]) -> Vec<f64> {
    let at = |row: usize, column: usize| cells.get(row * SIDE + column).copied().map_or(0.0, f64::from);
    let around = |of: usize| of.saturating_sub(1)..=(of + 1).min(SIDE - 1);
    let cell = |index: usize| {
        let (row, column) = (index / SIDE, index % SIDE);
        let near: Vec<f64> = around(row)
            .flat_map(|row| around(column).map(move |column| (row, column)))
            .map(|(r, c)| at(r, c))
            .collect();
        at(row, column) - near.iter().sum::<f64>() / near.len() as f64
    };
    (0..CELLS).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(paint: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..CELLS).map(|index| paint(index % SIDE, index / SIDE)).collect()
    }

    fn checks(x: usize, y: usize) -> u8 {
        if (x / 2 + y / 2).is_multiple_of(2) { 60 } else { 160 }
    }

    #[test]
    fn brightness_changes_distance_and_not_correlation() {
        let (bright, dark) = (picture(checks), picture(|x, y| checks(x, y) / 2));
        assert!(distance(&bright, &dark) > 40.0 && correlation(&bright, &dark) > 0.99);
        assert!((spread(&bright) - 50.0).abs() < 0.1 && spread(&picture(|_, _| 200)) == 0.0);
    }

    #[test]
    fn light_from_a_side_leaves_what_is_fine() {
        let (even, side) = (picture(checks), picture(|x, y| (usize::from(checks(x, y)) * (16 - x) / 16) as u8));
        assert!(correlation(&even, &side) < 0.8, "{}", correlation(&even, &side));
        assert!(fine_correlation(&even, &side) > 0.8, "{}", fine_correlation(&even, &side));
        assert!(fine_correlation(&even, &picture(|x, y| checks(x + 1, y))) < 0.3);
    }
}
