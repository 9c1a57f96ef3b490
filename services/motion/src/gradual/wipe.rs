//! Wipes: a front goes over the picture, and behind it is the next one.
use super::{Candidate, difference, is_back, windows};
use crate::cells::{CELLS, SIDE, correlation};
use crate::series::FrameFacts;

/// Half lengths of windows, frames.
const REACHES: [usize; 8] = [4, 6, 8, 11, 15, 20, 26, 34];
/// Pictures before and after differ by this much or more, 0–255 …
const MIN_DISTANCE: f64 = 15.0;
/// … and are less alike than this.
const MAX_CORRELATION: f64 = 0.7;
/// In the middle every cell is about that of one of the two pictures: mean distance to the nearer, in distances of both.
const NEAR: f64 = 0.35;
/// A cell tells the pictures apart when it differs by more …
const TELLING: f64 = 15.0;
/// … and this share of the cells must.
const TELLING_SHARE: f64 = 0.4;
/// What cells differ from a picture that changes at once, in distances of both pictures.
const MAX_RESIDUAL: f64 = 0.2;
/// Share of the variance of the cells' times that the front explains.
const MIN_EXPLAINED: f64 = 0.8;
/// Standard deviation of the cells' times, frames: less is a cut.
const MIN_DURATION: f64 = 0.8;
/// Frames by which the front may begin before its window or end after it.
const SLACK: f64 = 1.5;
/// Frames outside a window that have to show its end's picture still …
const AROUND: usize = 3;
/// … up to this share of the distance of both pictures.
const STILL: f64 = 0.5;
/// A camera that shifts the picture by more of its width while it changes is what changes it, percent.
const MAX_SHIFT: f64 = 40.0;

/// Share of the corners that have to follow a camera for it to count.
const FOLLOWS: f32 = 0.6;

/// Numbers that describe a front: its time at the centre, and how that grows to the right, down, and with the square of the
/// distance from the centre.
const TERMS: usize = 4;

/// Windows that look like a wipe.
pub fn candidates(frames: &[FrameFacts]) -> Vec<Candidate> {
    let of_reach = |reach: usize| {
        windows(frames, reach).filter_map(move |(first, last)| candidate(frames, first, last, first + reach))
    };
    REACHES.into_iter().flat_map(of_reach).collect()
}

fn candidate(frames: &[FrameFacts], first: usize, last: usize, middle: usize) -> Option<Candidate> {
    let apart = difference(frames, first, last);
    if apart < MIN_DISTANCE || correlation(&frames[first].picture, &frames[last].picture) > MAX_CORRELATION {
        return None;
    }
    if nearer(frames, first, middle, last) > NEAR * apart || !is_still_around(frames, first, last, apart) {
        return None;
    }
    let front = Front::fit(frames, first, last)?;
    if !front.is_wipe(last - first - 1)
        || shift_percent(frames, first, last) > MAX_SHIFT
        || is_back(frames, first, last)
    {
        return None;
    }
    let at = |frames: f64| (first + 1 + frames.max(0.0).round() as usize).min(last);
    Some(Candidate {
        ends: (first, last),
        mixed: at(front.begins)..at(front.ends),
        middle: at(front.mean),
        weight: apart * (front.explained - front.residual),
    })
}

/// Mean distance of a picture's cells to the nearer of two others.
fn nearer(frames: &[FrameFacts], a: usize, middle: usize, b: usize) -> f64 {
    let [a, middle, b] = [a, middle, b].map(|at| &frames[at].picture);
    let sum: u32 = (a.iter().zip(middle).zip(b))
        .map(|((a, middle), b)| u32::from(middle.abs_diff(*a).min(middle.abs_diff(*b))))
        .sum();
    f64::from(sum) / CELLS as f64
}

/// Whether the pictures at the ends of a window are there before and after it, too.
fn is_still_around(frames: &[FrameFacts], first: usize, last: usize, apart: f64) -> bool {
    let (before, after) = (first.saturating_sub(AROUND), (last + AROUND).min(frames.len() - 1));
    let known = |at: usize| frames[at].picture.len() == CELLS;
    let still = |at: usize, end: usize| !known(at) || difference(frames, at, end) < STILL * apart;
    still(before, first) && still(after, last)
}

/// How far the camera shifts the picture over a window, percent of its width, where most of the picture follows it.
fn shift_percent(frames: &[FrameFacts], first: usize, last: usize) -> f64 {
    let cameras = frames[first + 1..=last].iter().filter_map(|frame| frame.camera);
    let cameras = cameras.filter(|camera| camera.inlier_share > FOLLOWS);
    let (dx, dy) = cameras
        .fold((0.0, 0.0), |(dx, dy), camera| (dx + f64::from(camera.dx_percent), dy + f64::from(camera.dy_percent)));
    dx.hypot(dy)
}

/// A front that goes over the picture, in frames since the first of a window.
struct Front {
    begins: f64,
    ends: f64,
    mean: f64,
    deviation: f64,
    explained: f64,
    residual: f64,
}

/// A cell that tells the two pictures apart.
struct Cell {
    terms: [f64; TERMS],
    /// How much it does.
    weight: f64,
    /// Frames until it shows the second picture.
    time: f64,
}

impl Front {
    /// The front that explains best when each cell changes.
    fn fit(frames: &[FrameFacts], first: usize, last: usize) -> Option<Self> {
        let mut residual = 0.0;
        let telling = (0..CELLS).filter_map(|at| {
            let (from, to) = (f64::from(frames[first].picture[at]), f64::from(frames[last].picture[at]));
            let way = to - from;
            (way.abs() > TELLING).then(|| {
                let shares = frames[first + 1..last].iter().map(|frame| (f64::from(frame.picture[at]) - from) / way);
                let shares: Vec<f64> = shares.collect();
                let changed = shares.iter().filter(|share| **share <= 0.5).count();
                let off = |(frame, share): (usize, &f64)| (share.clamp(-1.0, 2.0) - f64::from(frame >= changed)).abs();
                residual += way.abs() * shares.iter().enumerate().map(off).sum::<f64>() / shares.len().max(1) as f64;
                Cell { terms: terms(at), weight: way.abs(), time: changed as f64 }
            })
        });
        let cells: Vec<Cell> = telling.collect();
        if (cells.len() as f64) < TELLING_SHARE * CELLS as f64 {
            return None;
        }
        let weight: f64 = cells.iter().map(|cell| cell.weight).sum();
        let mean = cells.iter().map(|cell| cell.weight * cell.time).sum::<f64>() / weight;
        let numbers = least_squares(&cells)?;
        let time = |terms: &[f64; TERMS]| terms.iter().zip(&numbers).map(|(term, number)| term * number).sum::<f64>();
        let off = |of: &dyn Fn(&Cell) -> f64| cells.iter().map(|cell| cell.weight * of(cell).powi(2)).sum::<f64>();
        let (unexplained, all) = (off(&|cell| cell.time - time(&cell.terms)), off(&|cell| cell.time - mean));
        let times = || (0..CELLS).map(|at| time(&terms(at)));
        Some(Self {
            begins: times().fold(f64::INFINITY, f64::min),
            ends: times().fold(f64::NEG_INFINITY, f64::max),
            mean,
            deviation: (all / weight).sqrt(),
            explained: 1.0 - unexplained / all.max(1e-9),
            residual: residual / weight,
        })
    }

    /// Whether it goes over the whole picture within so many frames, and explains what is seen.
    fn is_wipe(&self, frames: usize) -> bool {
        self.residual < MAX_RESIDUAL
            && self.explained > MIN_EXPLAINED
            && self.deviation > MIN_DURATION
            && self.begins > -SLACK
            && self.ends < frames as f64 + SLACK
    }
}

/// The terms of a cell: its place from −½ to ½.
fn terms(cell: usize) -> [f64; TERMS] {
    let place = |at: usize| (at as f64 + 0.5) / SIDE as f64 - 0.5;
    let (x, y) = (place(cell % SIDE), place(cell / SIDE));
    [1.0, x, y, x * x + y * y]
}

/// The numbers that explain the cells' times best, by Gaussian elimination of the normal equations; `None` when the cells do
/// not determine them.
fn least_squares(cells: &[Cell]) -> Option<[f64; TERMS]> {
    let mut rows = [[0.0; TERMS + 1]; TERMS];
    for cell in cells {
        for (row, term) in rows.iter_mut().zip(cell.terms) {
            let columns = cell.terms.iter().chain([&cell.time]);
            row.iter_mut().zip(columns).for_each(|(sum, column)| *sum += cell.weight * term * column);
        }
    }
    for pivot in 0..TERMS {
        let best = (pivot..TERMS).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs()))?;
        rows.swap(pivot, best);
        if rows[pivot][pivot].abs() < 1e-9 {
            return None;
        }
        let of_pivot = rows[pivot];
        for (_, row) in rows.iter_mut().enumerate().filter(|(number, _)| *number != pivot) {
            let factor = row[pivot] / of_pivot[pivot];
            row.iter_mut().zip(of_pivot).for_each(|(value, of_pivot)| *value -= factor * of_pivot);
        }
    }
    Some(std::array::from_fn(|at| rows[at][TERMS] / rows[at][at]))
}
