//! What clusters are.

/// What clusters are.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Points that make a cluster, at least 2.
    pub min_cluster_size: usize,
    /// The core distance of a point is that to its so-manieth nearest other point, at least 1.
    pub min_samples: usize,
    /// Points are never connected over a larger distance. Without a limit: infinity.
    pub max_distance: f64,
    /// A cluster that comes apart below this distance stays whole. 0: wherever density says so.
    pub epsilon: f64,
    /// How clusters are chosen.
    pub selection: Selection,
    /// Whether all points that are connected may be one cluster.
    pub allow_single: bool,
}

/// How clusters are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Those with the largest excess of mass.
    #[default]
    ExcessOfMass,
    /// Those that nothing splits off from.
    Leaf,
}
