//! All pairs of runs with alike members, in blocks.
use crate::Vectors;
use crate::pair::Pair;
use crate::projection::{ROUNDING, project};
use crate::runs::{Run, angle};
use crate::vectors::dot;
use ndarray::{ArrayView2, s};
use rayon::prelude::*;

/// Bounds that are in memory at a time, per thread: 4 MiB.
const BLOCK: usize = 256;
const TILE: usize = 4096;
/// Pairs that are kept of one run, the most similar: what bounds the memory where everything is alike.
const MAX_PAIRS: usize = 64;

/// Alike pairs.
pub struct Alike {
    /// The most alike members of every two runs that have any: of one run at most 64 with later ones.
    pub pairs: Vec<Pair>,
    /// How many pairs there were beyond those.
    pub left_out: u64,
}

/// Finds them; `join` hears of all pairs of runs, those left out as well, in any order.
pub fn alike(vectors: &Vectors, runs: &[Run], threshold: f32, join: impl Fn(usize, &[usize]) + Sync) -> Alike {
    let firsts: Vec<usize> = runs.iter().map(Run::first).collect();
    let short = project(vectors, &firsts);
    let search = Search { vectors, runs, short: short.view(), threshold };
    let starts: Vec<usize> = (0..runs.len()).step_by(BLOCK).collect();
    let blocks: Vec<Alike> = starts.into_par_iter().map(|start| search.block(start, &join)).collect();
    let left_out = blocks.iter().map(|block| block.left_out).sum();
    Alike { pairs: blocks.into_iter().flat_map(|block| block.pairs).collect(), left_out }
}

struct Search<'a> {
    vectors: &'a Vectors,
    runs: &'a [Run],
    short: ArrayView2<'a, f32>,
    threshold: f32,
}

impl Search<'_> {
    /// The pairs of the runs of a block with later ones.
    fn block(&self, start: usize, join: &(impl Fn(usize, &[usize]) + Sync)) -> Alike {
        let block = start..(start + BLOCK).min(self.runs.len());
        let mut candidates: Vec<Vec<usize>> = vec![Vec::new(); block.len()];
        for from in (start..self.runs.len()).step_by(TILE) {
            let tile = from..(from + TILE).min(self.runs.len());
            let widest = self.runs[tile.clone()].iter().map(|run| run.radius).fold(0.0, f32::max);
            let bounds = self.short.slice(s![block.clone(), ..]).dot(&self.short.slice(s![tile, ..]).t());
            for ((row, bounds), candidates) in block.clone().zip(bounds.outer_iter()).zip(&mut candidates) {
                let least = self.least(self.runs[row].radius + widest);
                let above = bounds.iter().enumerate().filter(|(_, bound)| **bound >= least);
                candidates.extend(above.map(|(column, _)| from + column).filter(|other| *other > row));
            }
        }
        let mut found = Alike { pairs: Vec::new(), left_out: 0 };
        for (row, candidates) in block.zip(candidates) {
            let (mut pairs, others) = self.check(row, &candidates);
            join(row, &others);
            pairs.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.b.cmp(&b.b)));
            found.left_out += pairs.len().saturating_sub(MAX_PAIRS) as u64;
            pairs.truncate(MAX_PAIRS);
            found.pairs.extend(pairs);
        }
        found
    }

    /// The least cosine of the first of two runs whose members may be alike, when their radii add up to this.
    fn least(&self, radii: f32) -> f32 {
        (angle(self.threshold) + radii).min(std::f32::consts::PI).cos() - ROUNDING
    }

    /// Of candidates, those that are alike: their most alike members, and which runs they are.
    fn check(&self, row: usize, candidates: &[usize]) -> (Vec<Pair>, Vec<usize>) {
        let (mut pairs, mut others) = (Vec::new(), Vec::new());
        let own = self.vectors.get(self.runs[row].first());
        let mut other = own.clone();
        for &candidate in candidates {
            let (a, b) = (&self.runs[row], &self.runs[candidate]);
            self.vectors.read(b.first(), &mut other);
            let cosine = dot(&own, &other);
            if cosine < self.least(a.radius + b.radius) {
                continue;
            }
            let single = a.rows.len() == 1 && b.rows.len() == 1;
            let pair = if single {
                Pair { a: a.first() as u32, b: b.first() as u32, score: cosine }
            } else {
                self.closest(a, b)
            };
            if pair.score >= self.threshold {
                pairs.push(pair);
                others.push(candidate);
            }
        }
        (pairs, others)
    }

    /// The most alike members of two runs: the member of the second that is nearest to the first of the first, then the member
    /// of the first that is nearest to that one. All with all would take the product of their lengths.
    fn closest(&self, a: &Run, b: &Run) -> Pair {
        let (column, _) = self.nearest(a.first(), b);
        let (row, score) = self.nearest(column, a);
        Pair { a: row as u32, b: column as u32, score }
    }

    /// The member of a run that is nearest to a row, of equal ones the first, and their cosine.
    fn nearest(&self, to: usize, run: &Run) -> (usize, f32) {
        let (own, mut other) = (self.vectors.get(to), vec![0.0; self.vectors.dimension()]);
        let mut best = (run.first(), f32::NEG_INFINITY);
        for row in run.rows.clone() {
            self.vectors.read(row, &mut other);
            let score = dot(&own, &other);
            if score > best.1 {
                best = (row, score);
            }
        }
        best
    }
}
