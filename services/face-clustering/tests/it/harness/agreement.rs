//! How well clusters agree with the truth.
use std::collections::BTreeMap;

/// Precision, recall and their harmonic mean, each 0–1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    pub precision: f64,
    pub recall: f64,
    pub f: f64,
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} | {:.3} | {:.3}", self.precision, self.recall, self.f)
    }
}

fn agreement(precision: f64, recall: f64) -> Agreement {
    let sum = precision + recall;
    Agreement { precision, recall, f: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
}

/// Sizes of the truth's classes, of clusters, and of what they share. Noise is a cluster of its own per point.
fn tables(truth: &[u32], found: &[Option<u32>]) -> [BTreeMap<(i64, i64), f64>; 3] {
    let cluster = |index: usize| found[index].map_or(-1 - index as i64, i64::from);
    let mut tables = [(); 3].map(|()| BTreeMap::new());
    for (index, class) in truth.iter().enumerate() {
        let (class, cluster) = (i64::from(*class), cluster(index));
        for (table, key) in tables.iter_mut().zip([(class, 0), (0, cluster), (class, cluster)]) {
            *table.entry(key).or_insert(0.0) += 1.0;
        }
    }
    tables
}

/// Over all pairs of points: are those together that belong together?
pub fn pairwise(truth: &[u32], found: &[Option<u32>]) -> Agreement {
    let pairs = |table: &BTreeMap<(i64, i64), f64>| table.values().map(|n| n * (n - 1.0) / 2.0).sum::<f64>();
    let [classes, clusters, both] = tables(truth, found).map(|table| pairs(&table));
    agreement(if clusters > 0.0 { both / clusters } else { 1.0 }, if classes > 0.0 { both / classes } else { 1.0 })
}

/// BCubed (Bagga and Baldwin 1998): the same per point, so that large classes do not count by their square.
pub fn bcubed(truth: &[u32], found: &[Option<u32>]) -> Agreement {
    let [classes, clusters, both] = tables(truth, found);
    let count = truth.len().max(1) as f64;
    let (mut precision, mut recall) = (0.0, 0.0);
    for ((class, cluster), shared) in &both {
        precision += shared * shared / clusters[&(0, *cluster)] / count;
        recall += shared * shared / classes[&(*class, 0)] / count;
    }
    agreement(precision, recall)
}
