//! Groups of duplicates.
use crate::alike::alike;
use crate::pair::Pair;
use crate::runs::{Run, runs};
use crate::union::Union;
use crate::{SimilarityError, Vectors};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Pairs that are verified side by side; what they joined, the next need not prove again.
const VERIFIED_AT_ONCE: usize = 64;
/// Failed proofs of one row after which no more are tried: the most alike come first, and a thousand frames of a burst would
/// otherwise be aligned with each other.
const MAX_FAILED: u8 = 16;

/// What counts as a duplicate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Cosine from which two are alike.
    pub threshold: f32,
}

/// How duplicates of a group are duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The same picture, by proof.
    Same,
    /// Alike, by cosine.
    Alike,
}

/// Duplicates of each other: every member has at least one other that it is a duplicate of.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How.
    pub tier: Tier,
    /// Rows, ascending.
    pub members: Vec<u32>,
    /// The pairs that made it, by rows. Within a run of alike neighbours: each with the first; between runs: the most alike two.
    pub pairs: Vec<Pair>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// By their first member, "the same" before "alike". A group that is all the same is there in both tiers.
    pub groups: Vec<Group>,
    /// Alike pairs that are in no list: beyond the 64 most alike of one run with later ones. They joined their groups all the
    /// same, but whether they show the same picture was not verified.
    pub left_out: u64,
    /// Pairs in the lists that were not verified, since 16 more alike ones of one of the two had failed.
    pub untried: u64,
}

/// Finds groups. `follows` says of a row whether it comes after the row before it in one sequence (the frames of a film):
/// such neighbours with a cosine of .99 are taken as one run, which is alike without being compared further. `verify` proves
/// of two alike rows that they are the same picture; it is asked of the most alike members of two runs, the most alike first,
/// not of rows that are known to be the same, and not of rows with 16 failures behind them.
///
/// Memory beside the vectors: 256 bytes a run, 8 MiB a thread, and at most 64 pairs (12 bytes each) a run. Time is quadratic in the
/// number of runs.
///
/// # Errors
/// A threshold that is no cosine above 0; what `verify` fails with.
pub fn groups<E: From<SimilarityError> + Send>(
    vectors: &Vectors,
    options: &Options,
    follows: impl Fn(usize) -> bool,
    verify: impl Fn(usize, usize) -> Result<bool, E> + Sync,
) -> Result<Groups, E> {
    if !(options.threshold > 0.0 && options.threshold <= 1.0) {
        return Err(SimilarityError::Threshold(options.threshold).into());
    }
    let runs = runs(vectors, follows);
    let joined = Mutex::new(Union::new(runs.len()));
    let found = alike(vectors, &runs, options.threshold, |run, others| {
        let mut joined = joined.lock().unwrap_or_else(PoisonError::into_inner);
        others.iter().for_each(|other| joined.join(run, *other));
    });
    let mut joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
    let run_of: Vec<u32> = (0u32..).zip(&runs).flat_map(|(run, of)| of.rows.clone().map(move |_| run)).collect();
    let (same, untried) = prove(vectors.len(), &found.pairs, verify)?;
    let within = runs.iter().flat_map(|run| within(vectors, run));
    let mut pairs: Vec<Pair> = within.chain(found.pairs).collect();
    pairs.sort_by_key(|pair| (pair.a, pair.b));
    let mut groups = collect(Tier::Alike, vectors.len(), pairs.iter(), |row| joined.find(run_of[row] as usize));
    groups.extend(same);
    groups.sort_by_key(|group| (group.members.first().copied(), group.tier));
    Ok(Groups { groups, left_out: found.left_out, untried })
}

/// Pairs of the members of a run with its first.
fn within<'v>(vectors: &'v Vectors, run: &Run) -> impl Iterator<Item = Pair> + use<'v> {
    let first = run.first();
    run.rows.clone().skip(1).map(move |row| Pair { a: first as u32, b: row as u32, score: vectors.cosine(first, row) })
}

/// Groups of the same picture, and how many pairs were not tried.
fn prove<E: Send>(
    rows: usize,
    pairs: &[Pair],
    verify: impl Fn(usize, usize) -> Result<bool, E> + Sync,
) -> Result<(Vec<Group>, u64), E> {
    let mut pairs = pairs.to_vec();
    pairs.sort_by(|x, y| y.score.total_cmp(&x.score).then((x.a, x.b).cmp(&(y.a, y.b))));
    let (mut same, mut failed) = (Union::new(rows), vec![0u8; rows]);
    let (mut proved, mut untried) = (Vec::new(), 0);
    for chunk in pairs.chunks(VERIFIED_AT_ONCE) {
        let mut open = Vec::with_capacity(chunk.len());
        for pair in chunk {
            let (a, b) = (pair.a as usize, pair.b as usize);
            if same.find(a) == same.find(b) {
                continue;
            }
            match failed[a].max(failed[b]) < MAX_FAILED {
                true => open.push(*pair),
                false => untried += 1,
            }
        }
        let verdicts: Result<Vec<bool>, E> =
            open.par_iter().map(|pair| verify(pair.a as usize, pair.b as usize)).collect();
        for (pair, is_same) in open.into_iter().zip(verdicts?) {
            let (a, b) = (pair.a as usize, pair.b as usize);
            if is_same {
                same.join(a, b);
                proved.push(pair);
            } else {
                failed[a] = failed[a].saturating_add(1);
                failed[b] = failed[b].saturating_add(1);
            }
        }
    }
    proved.sort_by_key(|pair| (pair.a, pair.b));
    Ok((collect(Tier::Same, rows, proved.iter(), |row| same.find(row)), untried))
}

/// Sets of more than one row, with the pairs that are within them.
fn collect<'p>(
    tier: Tier,
    rows: usize,
    pairs: impl Iterator<Item = &'p Pair>,
    mut set: impl FnMut(usize) -> usize,
) -> Vec<Group> {
    let mut sets: BTreeMap<usize, Group> = BTreeMap::new();
    for row in 0..rows {
        let empty = || Group { tier, members: Vec::new(), pairs: Vec::new() };
        sets.entry(set(row)).or_insert_with(empty).members.push(row as u32);
    }
    sets.retain(|_, group| group.members.len() > 1);
    for pair in pairs {
        if let Some(group) = sets.get_mut(&set(pair.a as usize)) {
            group.pairs.push(*pair);
        }
    }
    sets.into_values().collect()
}
