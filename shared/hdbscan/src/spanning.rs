//! The minimum spanning tree of mutual reachability.
use ndarray::{Array2, ArrayView2, Axis, s};

/// Rows of scalar products that are in memory at a time, and columns: 4 MiB.
const BLOCK: usize = 256;
const TILE: usize = 4096;
/// Products that are summed up side by side.
const LANES: usize = 16;

/// Two points and their mutual reachability distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The lower point.
    pub a: u32,
    /// The higher point.
    pub b: u32,
    /// max(core distance of either, distance).
    pub distance: f32,
}

/// The tree's edges, shortest first (of equal ones by points).
pub fn spanning_tree(points: ArrayView2<'_, f32>, min_samples: usize) -> Vec<Edge> {
    let mut edges = prim(points, &core_squares(points, min_samples));
    edges.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    edges
}

/// Square of every point's distance to its `min_samples`-th nearest other point; infinite when there are fewer.
fn core_squares(points: ArrayView2<'_, f32>, min_samples: usize) -> Vec<f32> {
    let count = points.nrows();
    let mut cores = Vec::with_capacity(count);
    for start in (0..count).step_by(BLOCK) {
        let block = points.slice(s![start..(start + BLOCK).min(count), ..]);
        // Largest scalar products with others, the least first.
        let mut nearest = vec![Vec::with_capacity(min_samples + 1); block.nrows()];
        for from in (0..count).step_by(TILE) {
            let tile = points.slice(s![from..(from + TILE).min(count), ..]);
            let products: Array2<f32> = block.dot(&tile.t());
            for ((row, products), nearest) in products.axis_iter(Axis(0)).enumerate().zip(&mut nearest) {
                for (column, &product) in products.iter().enumerate() {
                    if from + column != start + row {
                        keep_largest(nearest, product, min_samples);
                    }
                }
            }
        }
        let square = |nearest: Vec<f32>| match nearest.len() < min_samples {
            true => f32::INFINITY,
            false => nearest.first().map_or(f32::INFINITY, |min| (2.0 - 2.0 * min).max(0.0)),
        };
        cores.extend(nearest.into_iter().map(square));
    }
    cores
}

/// Keeps the `max` largest values, ascending.
fn keep_largest(kept: &mut Vec<f32>, value: f32, max: usize) {
    if kept.len() == max && kept.first().is_some_and(|min| value <= *min) {
        return;
    }
    let place = kept.partition_point(|other| *other < value);
    kept.insert(place, value);
    if kept.len() > max {
        kept.remove(0);
    }
}

/// Points that are not in the tree yet, packed: their rows are read from front to back at every step.
struct Rest {
    width: usize,
    rows: Vec<f32>,
    points: Vec<u32>,
    cores: Vec<f32>,
    /// Square of the mutual reachability distance to the nearest point of the tree, and that point.
    best: Vec<(f32, u32)>,
}

impl Rest {
    fn take(&mut self, index: usize) -> (Vec<f32>, u32, f32, (f32, u32)) {
        let (last, width) = (self.points.len() - 1, self.width);
        let row = self.rows[index * width..(index + 1) * width].to_vec();
        self.rows.copy_within(last * width..(last + 1) * width, index * width);
        self.rows.truncate(last * width);
        (row, self.points.swap_remove(index), self.cores.swap_remove(index), self.best.swap_remove(index))
    }
}

/// Prim's method. Of equally near points the lowest joins first, so that the tree depends on the points alone.
fn prim(points: ArrayView2<'_, f32>, cores: &[f32]) -> Vec<Edge> {
    let count = points.nrows();
    if count == 0 {
        return Vec::new();
    }
    let mut rest = Rest {
        width: points.ncols(),
        rows: points.iter().copied().collect(),
        points: (0..count as u32).collect(),
        cores: cores.to_vec(),
        best: vec![(f32::INFINITY, 0); count],
    };
    let mut edges = Vec::with_capacity(count - 1);
    let (mut row, mut point, mut core, _) = rest.take(0);
    while !rest.points.is_empty() {
        let mut next = (f32::INFINITY, u32::MAX, 0);
        for (index, other) in rest.rows.chunks_exact(rest.width.max(1)).enumerate() {
            let square = (2.0 - 2.0 * product(&row, other)).max(0.0).max(core).max(rest.cores[index]);
            let best = &mut rest.best[index];
            if square < best.0 || best.0.is_infinite() {
                *best = (square, point);
            }
            let candidate = (best.0, rest.points[index], index);
            if (candidate.0, candidate.1) < (next.0, next.1) {
                next = candidate;
            }
        }
        let joined = rest.take(next.2);
        let (square, from) = joined.3;
        (row, point, core) = (joined.0, joined.1, joined.2);
        edges.push(Edge { a: from.min(point), b: from.max(point), distance: square.sqrt() });
    }
    edges
}

/// Scalar product, summed in lanes so that it can be done with wide registers.
fn product(a: &[f32], b: &[f32]) -> f32 {
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
