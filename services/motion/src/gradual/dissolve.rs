//! Dissolves: every frame between two is a mixture of both.
use super::{Candidate, is_back, windows};
use crate::cells::{correlation, distance, fine_correlation};
use crate::series::FrameFacts;

/// Half lengths of windows, frames.
const REACHES: [usize; 10] = [2, 3, 4, 6, 8, 11, 15, 20, 26, 34];
/// Shorter windows have to be surer: motion blur at the start of a fast pan mixes a few frames, too.
const SHORT: usize = 4;
/// Pictures before and after differ by this much or more, 0–255.
const MIN_DISTANCE: f64 = 8.0;
/// The frame in the middle of a window differs from the mean of its ends by no more than this share of half their distance.
const MIDDLE_RESIDUAL: f64 = 0.6;
/// No frame of a dissolve takes a larger step: that would be a cut.
const MAX_STEP: f64 = 0.45;
/// What the mixture goes back in all.
const MAX_BACKWARDS: f64 = 0.15;
/// Detail that is not the scene's own light alone: above this the scene stays the same.
const SAME_FINE: f64 = 0.6;
/// Shares of the second picture between which a frame is mixed.
const MIXED: (f64, f64) = (0.05, 0.95);

/// How frames lie between the two pictures at the ends of a window.
struct Mixture {
    /// Share of the second picture in each frame between, 0–1 or little beyond.
    shares: Vec<f64>,
    /// What no mixture explains, root mean square, in distances of the two pictures.
    residual: f64,
    /// The least detail of a frame in the middle, in that which it would have if the scene changed otherwise: pictures that
    /// have nothing to do with each other blur each other.
    detail: f64,
}

/// Windows that look like a dissolve.
pub fn candidates(frames: &[FrameFacts]) -> Vec<Candidate> {
    let of_reach =
        |reach: usize| windows(frames, reach).filter_map(move |(first, last)| candidate(frames, first, last, reach));
    REACHES.into_iter().flat_map(of_reach).collect()
}

fn candidate(frames: &[FrameFacts], first: usize, last: usize, reach: usize) -> Option<Candidate> {
    let (a, b) = (&frames[first].picture, &frames[last].picture);
    let apart = distance(a, b);
    if apart < MIN_DISTANCE || middle_residual(a, &frames[first + reach].picture, b) > MIDDLE_RESIDUAL {
        return None;
    }
    let correlation = correlation(a, b);
    if correlation > if reach < SHORT { 0.5 } else { 0.8 } {
        return None;
    }
    let mixture = mixture(frames, first, last)?;
    if !is_dissolve(&mixture, correlation, reach) || fine_correlation(a, b) > SAME_FINE || is_back(frames, first, last)
    {
        return None;
    }
    let at = |share: f64| mixture.shares.iter().position(|of| *of >= share).unwrap_or(mixture.shares.len());
    let middle = first + 1 + at(0.5);
    let mixed = first + 1 + at(MIXED.0)..first + 1 + at(MIXED.1);
    Some(Candidate { ends: (first, last), mixed, middle, weight: apart * (1.0 - mixture.residual) })
}

/// Whether frames are mixed as those of a dissolve are: the less alike the two pictures are and the more detail is lost, the more
/// motion is allowed for.
fn is_dissolve(mixture: &Mixture, correlation: f64, reach: usize) -> bool {
    let (step, backwards) = steps(&mixture.shares);
    let clear = mixture.residual < 0.2 && mixture.detail < 0.8 && (reach >= SHORT || mixture.residual < 0.12);
    let moving =
        mixture.residual < 0.3 && mixture.detail < 0.65 && correlation < 0.4 && reach >= SHORT && backwards < 0.08;
    step < MAX_STEP && backwards < MAX_BACKWARDS && (clear || moving)
}

/// The largest step of the mixture from frame to frame, and the sum of those back.
fn steps(shares: &[f64]) -> (f64, f64) {
    let all: Vec<f64> = std::iter::once(0.0).chain(shares.iter().copied()).chain([1.0]).collect();
    all.windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold((f64::MIN, 0.0), |(largest, back), step| (largest.max(step), back + (-step).max(0.0)))
}

/// How far a picture is from the mean of two others, in halves of their distance (root mean square).
fn middle_residual(a: &[u8], middle: &[u8], b: &[u8]) -> f64 {
    let (mut off, mut half) = (0.0, 0.0);
    for ((a, middle), b) in a.iter().zip(middle).zip(b) {
        let (a, middle, b) = (f64::from(*a), f64::from(*middle), f64::from(*b));
        off += (middle - (a + b) / 2.0).powi(2);
        half += ((b - a) / 2.0).powi(2);
    }
    (off / half.max(1e-6)).sqrt()
}

/// Fits every frame between two by a mixture of both; `None` when they are equal.
fn mixture(frames: &[FrameFacts], first: usize, last: usize) -> Option<Mixture> {
    let start: Vec<f64> = frames[first].picture.iter().copied().map(f64::from).collect();
    let way: Vec<f64> = frames[last].picture.iter().zip(&start).map(|(to, from)| f64::from(*to) - from).collect();
    let length = way.iter().map(|step| step * step).sum::<f64>();
    if length < 1.0 {
        return None;
    }
    let (mut shares, mut squares, mut detail) = (Vec::new(), 0.0, f64::INFINITY);
    for frame in &frames[first + 1..last] {
        let offset = || frame.picture.iter().zip(&start).map(|(cell, from)| f64::from(*cell) - from);
        let share = offset().zip(&way).map(|(offset, way)| offset * way).sum::<f64>() / length;
        squares += offset().zip(&way).map(|(offset, way)| (offset - share * way).powi(2)).sum::<f64>() / length;
        if (0.25..0.75).contains(&share) {
            let linear = (1.0 - share) * frames[first].detail + share * frames[last].detail;
            detail = detail.min(frame.detail / linear.max(1e-6));
        }
        shares.push(share);
    }
    let residual = (squares / shares.len().max(1) as f64).sqrt();
    Some(Mixture { shares, residual, detail: if detail.is_finite() { detail } else { 1.0 } })
}
