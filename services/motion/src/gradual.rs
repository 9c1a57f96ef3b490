//! Transitions in which one picture goes over into another frame by frame: dissolves and wipes.
//!
//! A dissolve is a linear mixture of the pictures before and after it, whose detail is less than that of either; in a wipe each
//! cell changes once, at times that lie on a front. Thresholds were chosen on transitions rendered between real shots and on
//! pans, zooms, changes of light and focus, flashes, and things that pass before the camera (docs/quality.md).
mod dissolve;
mod wipe;

use crate::cells::{self, CELLS, correlation, distance};
use crate::series::FrameFacts;
use framefleet_frames::Transition;
use std::ops::Range;

/// No transition lasts longer, nanoseconds.
const LONGEST_NS: i64 = 2_500_000_000;
/// A picture that is back after so long was interrupted, nanoseconds.
const BACK_NS: i64 = 1_000_000_000;
/// Frames that are tried on each side of an interruption.
const BACK_TRIES: usize = 8;
/// Two pictures that correlate by this, or more, show one scene …
const SAME_SCENE: f64 = 0.9;
/// … when they differ by less than this share of what the interruption changed.
const SAME_SHARE: f64 = 0.35;

/// A transition between two pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gradual {
    /// Indices of the frames that show something of both pictures.
    pub mixed: Range<usize>,
    /// The first frame that shows more of the second picture than of the first.
    pub middle: usize,
    /// What it is.
    pub transition: Transition,
}

/// What a window of frames looks like whose first and last frame show one picture each.
struct Candidate {
    /// The last frame of the first picture, and the first of the second one.
    ends: (usize, usize),
    mixed: Range<usize>,
    middle: usize,
    /// Of overlapping candidates the one with more stays.
    weight: f64,
}

/// The dissolves and wipes of an item, in order.
pub fn transitions(frames: &[FrameFacts]) -> Vec<Gradual> {
    let dissolves = best(dissolve::candidates(frames));
    let mut wipes = best(wipe::candidates(frames));
    wipes.retain(|wipe| dissolves.iter().all(|dissolve| apart(wipe, dissolve)));
    let named = |transition| move |of: Candidate| Gradual { mixed: of.mixed, middle: of.middle, transition };
    let mut all: Vec<Gradual> = dissolves.into_iter().map(named(Transition::Dissolve)).collect();
    all.extend(wipes.into_iter().map(named(Transition::Wipe)));
    all.sort_by_key(|gradual| gradual.middle);
    all
}

/// Candidates that do not overlap, the best first.
fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.ends.cmp(&b.ends)));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|better| apart(better, &candidate)) {
            kept.push(candidate);
        }
    }
    kept
}

fn apart(a: &Candidate, b: &Candidate) -> bool {
    a.ends.1 <= b.ends.0 || b.ends.1 <= a.ends.0
}

/// The first and last frames of windows of `reach` frames around each frame, as far as pictures are known and near in time.
fn windows(frames: &[FrameFacts], reach: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let ends = (0..frames.len().saturating_sub(2 * reach)).map(move |first| (first, first + 2 * reach));
    ends.filter(|&(first, last)| {
        frames[last].pts_ns - frames[first].pts_ns <= LONGEST_NS
            && frames[first..=last].iter().all(|frame| frame.picture.len() == CELLS)
    })
}

/// Whether the picture of up to a second before a window is back within a second after it: something passed, or flashed.
pub fn is_back(frames: &[FrameFacts], first: usize, last: usize) -> bool {
    let changed = (first..=last).map(|at| difference(frames, first, at)).fold(0.0, f64::max);
    let step = |span: usize| (span / BACK_TRIES).max(1);
    let earliest = (0..=first).rev().take_while(|at| frames[first].pts_ns - frames[*at].pts_ns <= BACK_NS).count();
    let latest = (last..frames.len()).take_while(|at| frames[*at].pts_ns - frames[last].pts_ns <= BACK_NS).count();
    let before = (0..earliest).step_by(step(earliest)).map(|back| first - back);
    before.into_iter().any(|before| {
        let changed = changed.max(difference(frames, before, first));
        (last..last + latest).step_by(step(latest)).any(|after| {
            difference(frames, before, after) < SAME_SHARE * changed
                && correlation(&frames[before].picture, &frames[after].picture) > SAME_SCENE
        })
    })
}

/// Distance of the pictures of two frames; of unknown ones 0.
fn difference(frames: &[FrameFacts], a: usize, b: usize) -> f64 {
    distance(&frames[a].picture, &frames[b].picture)
}

/// Whether a picture is of one colour.
pub fn is_plain(frame: &FrameFacts) -> bool {
    /// Standard deviation of the cells.
    const PLAIN: f64 = 4.0;
    frame.picture.len() == CELLS && cells::spread(&frame.picture) < PLAIN
}

#[cfg(test)]
mod tests;
