//! From the spanning tree to clusters: the tree of densities, condensed, and the clusters that are chosen from it.
use crate::options::{Options, Selection};
use crate::spanning::Edge;

/// Distances below this count as this: a density must be finite.
const CLOSEST: f64 = 1e-9;

/// A merge of two parts; parts below the number of points are points.
struct Merge {
    left: usize,
    right: usize,
    distance: f64,
    size: usize,
}

/// A candidate for a cluster: a part of the tree of at least the minimum size.
struct Candidate {
    parent: Option<usize>,
    /// Density (1 / distance) at which it appears.
    birth: f64,
    /// Σ (density at which a point leaves − birth).
    stability: f64,
    /// Largest density at which something leaves it.
    death: f64,
    children: Vec<usize>,
}

/// Label and probability of every point.
pub fn clusters(count: usize, edges: &[Edge], options: &Options) -> (Vec<Option<u32>>, Vec<f32>) {
    let mut tree = Condensed::new(count, options);
    let (merges, roots) = dendrogram(count, edges, options.max_distance);
    for root in roots {
        tree.condense(count, &merges, root);
    }
    let chosen = tree.choose();
    tree.labels(&chosen)
}

/// Merges points along the edges, shortest first, up to a distance; the parts that are left, by their lowest point.
fn dendrogram(count: usize, edges: &[Edge], max_distance: f64) -> (Vec<Merge>, Vec<usize>) {
    let mut parents: Vec<usize> = (0..count).collect();
    // The part whose points a representative stands for.
    let mut parts: Vec<usize> = (0..count).collect();
    let mut sizes = vec![1usize; count];
    let mut merges: Vec<Merge> = Vec::new();
    for edge in edges.iter().filter(|edge| f64::from(edge.distance) <= max_distance) {
        let (a, b) = (find(&mut parents, edge.a as usize), find(&mut parents, edge.b as usize));
        let (low, high) = (a.min(b), a.max(b));
        let size = sizes[low] + sizes[high];
        merges.push(Merge { left: parts[low], right: parts[high], distance: f64::from(edge.distance), size });
        parents[high] = low;
        (sizes[low], parts[low]) = (size, count + merges.len() - 1);
    }
    let roots = (0..count).filter(|&point| parents[point] == point).map(|point| parts[point]).collect();
    (merges, roots)
}

fn find(parents: &mut [usize], mut point: usize) -> usize {
    while parents[point] != point {
        parents[point] = parents[parents[point]];
        point = parents[point];
    }
    point
}

struct Condensed<'o> {
    options: &'o Options,
    candidates: Vec<Candidate>,
    /// The candidate that a point left, and the density at which it did; `None` for points of parts that are too small.
    left: Vec<Option<(usize, f64)>>,
}

impl<'o> Condensed<'o> {
    fn new(count: usize, options: &'o Options) -> Self {
        Self { options, candidates: Vec::new(), left: vec![None; count] }
    }

    fn candidate(&mut self, parent: Option<usize>, birth: f64) -> usize {
        let index = self.candidates.len();
        self.candidates.push(Candidate { parent, birth, stability: 0.0, death: 0.0, children: Vec::new() });
        if let Some(parent) = parent {
            self.candidates[parent].children.push(index);
        }
        index
    }

    /// So many points leave a candidate at a density.
    fn leave(&mut self, candidate: usize, density: f64, points: usize) {
        let candidate = &mut self.candidates[candidate];
        candidate.stability += (density - candidate.birth) * points as f64;
        candidate.death = candidate.death.max(density);
    }

    /// Goes down from a part: what falls off a candidate in less than the minimum size are points that leave it.
    fn condense(&mut self, count: usize, merges: &[Merge], root: usize) {
        let min = self.options.min_cluster_size.max(2);
        let size = |part: usize| if part < count { 1 } else { merges[part - count].size };
        if size(root) < min {
            return;
        }
        let first = self.candidate(None, 1.0 / self.options.max_distance);
        let mut open = vec![(root, first)];
        while let Some((part, candidate)) = open.pop() {
            let merge = &merges[part - count];
            let density = 1.0 / merge.distance.max(CLOSEST);
            let (left, right) = (merge.left, merge.right);
            let splits = size(left) >= min && size(right) >= min;
            for side in [left, right] {
                if splits {
                    self.leave(candidate, density, size(side));
                    let child = self.candidate(Some(candidate), density);
                    open.push((side, child));
                } else if size(side) >= min {
                    open.push((side, candidate));
                } else {
                    self.leave(candidate, density, size(side));
                    let of = self.above(candidate, density);
                    self.drop_points(count, merges, side, of, density);
                }
            }
        }
    }

    /// The candidate that a point was last in which leaves one at a density: not the one itself when it appeared at that
    /// very density, for which of equal distances is merged first means nothing.
    fn above(&self, mut candidate: usize, density: f64) -> usize {
        while let Some(parent) =
            self.candidates[candidate].parent.filter(|_| self.candidates[candidate].birth >= density)
        {
            candidate = parent;
        }
        candidate
    }

    fn drop_points(&mut self, count: usize, merges: &[Merge], part: usize, candidate: usize, density: f64) {
        let mut open = vec![part];
        while let Some(part) = open.pop() {
            if part < count {
                self.left[part] = Some((candidate, density));
            } else {
                open.extend([merges[part - count].left, merges[part - count].right]);
            }
        }
    }

    /// Whether each candidate is a cluster.
    fn choose(&self) -> Vec<bool> {
        let mut chosen = match self.options.selection {
            Selection::ExcessOfMass => self.by_mass(),
            Selection::Leaf => self.candidates.iter().map(|one| one.children.is_empty()).collect(),
        };
        if !self.options.allow_single {
            let roots = self.candidates.iter().enumerate().filter(|(_, one)| one.parent.is_none());
            roots.for_each(|(root, _)| chosen[root] = false);
        }
        if self.options.epsilon > 0.0 {
            for index in 0..chosen.len() {
                if std::mem::take(&mut chosen[index]) {
                    chosen[self.whole(index)] = true;
                }
            }
        }
        // What lies below a chosen one is part of it. Parents come before their children.
        let mut below = vec![false; chosen.len()];
        for index in 0..chosen.len() {
            let parent = self.candidates[index].parent;
            below[index] = parent.is_some_and(|parent| below[parent] || chosen[parent]);
            chosen[index] &= !below[index];
        }
        chosen
    }

    /// A candidate is chosen when it is more stable than the best of what is below it.
    fn by_mass(&self) -> Vec<bool> {
        let mut chosen = vec![false; self.candidates.len()];
        let mut mass = vec![0.0; self.candidates.len()];
        for (index, candidate) in self.candidates.iter().enumerate().rev() {
            let below: f64 = candidate.children.iter().map(|&child| mass[child]).sum();
            let may = candidate.parent.is_some() || self.options.allow_single;
            chosen[index] = may && candidate.stability >= below;
            mass[index] = if chosen[index] { candidate.stability } else { below };
        }
        chosen
    }

    /// The candidate, or, when it split off at less than epsilon, the lowest one above it that did not.
    fn whole(&self, mut index: usize) -> usize {
        while 1.0 / self.candidates[index].birth < self.options.epsilon {
            match self.candidates[index].parent {
                Some(parent) if self.candidates[parent].parent.is_some() || self.options.allow_single => index = parent,
                _ => break,
            }
        }
        index
    }

    fn labels(&self, chosen: &[bool]) -> (Vec<Option<u32>>, Vec<f32>) {
        let mut cluster: Vec<Option<usize>> = vec![None; self.candidates.len()];
        for index in 0..self.candidates.len() {
            let above = self.candidates[index].parent.and_then(|parent| cluster[parent]);
            cluster[index] = if chosen[index] { Some(index) } else { above };
        }
        // Numbered by their first points.
        let mut numbers: Vec<Option<u32>> = vec![None; self.candidates.len()];
        let mut next = 0;
        let of = |left: &Option<(usize, f64)>| {
            left.and_then(|(candidate, density)| cluster[candidate].map(|cluster| (cluster, density)))
        };
        let labelled = self.left.iter().map(|left| {
            let Some((cluster, density)) = of(left) else { return (None, 0.0) };
            let number = *numbers[cluster].get_or_insert_with(|| {
                next += 1;
                next - 1
            });
            let death = self.candidates[cluster].death;
            let probability = if death > 0.0 { density.min(death) / death } else { 1.0 };
            (Some(number), probability as f32)
        });
        labelled.unzip()
    }
}
