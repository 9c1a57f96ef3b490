//! HDBSCAN (Campello, Moulavi and Sander 2013; McInnes and Healy 2017) on unit vectors.
//!
//! Distances are euclidean between vectors of length 1, so that cosine is explicit: d² = 2 − 2 cos. The result is exact: core
//! distances by blocks of scalar products, the minimum spanning tree of mutual reachability by Prim's method without a matrix
//! of distances. Time is quadratic in the number of points, memory linear.
mod condensed;
mod options;
mod spanning;

pub use options::{Options, Selection};
pub use spanning::Edge;

use ndarray::ArrayView2;

/// Euclidean distance of unit vectors with this cosine.
pub fn distance(cosine: f64) -> f64 {
    (2.0 - 2.0 * cosine).max(0.0).sqrt()
}

/// Clusters of points.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    /// Cluster of every point, from 0; `None` is noise.
    pub labels: Vec<Option<u32>>,
    /// How firmly every point belongs to its cluster, 0–1; 0 for noise.
    pub probabilities: Vec<f32>,
    /// The minimum spanning tree of mutual reachability, shortest first.
    pub edges: Vec<Edge>,
}

/// Clusters the rows of `points`, which have length 1. No points give no clusters.
pub fn hdbscan(points: ArrayView2<'_, f32>, options: &Options) -> Clusters {
    let edges = spanning::spanning_tree(points, options.min_samples.max(1));
    let (labels, probabilities) = condensed::clusters(points.nrows(), &edges, options);
    Clusters { labels, probabilities, edges }
}

#[cfg(test)]
mod tests;
