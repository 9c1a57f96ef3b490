//! What differs between aligned pictures by more than noise.
use crate::plane::Plane;
use crate::refine::{Fit, MIN_NOISE};

/// A difference is one when it exceeds this many times the noise …
const NOISES: f32 = 3.0;
/// … and what this part of a pixel of misalignment makes where the picture is steep.
const MISALIGNMENT: f32 = 0.15;
/// Pixels that differ alone are forgiven up to this part of the overlap.
const MAX_PART: f32 = 0.0004;
/// More noise than this is no compression.
const MAX_NOISE: f32 = 6.0;
/// The largest part of the height that a caption takes, and how far it begins from the edge.
const CAPTION_HEIGHT: f32 = 0.25;
const CAPTION_MARGIN: f32 = 0.12;
/// The least part of the width that it covers.
const CAPTION_WIDTH: f32 = 0.2;
/// How much of the difference has one sign (writing that is lighter or darker than all behind it), how much of its rectangle
/// differs (a box), or how many of its columns (a line of writing of this part of the width).
const CAPTION_ONE_SIGN: f32 = 0.9;
const CAPTION_FILLED: f32 = 0.7;
const LINE_COLUMNS: f32 = 0.6;
const LINE_WIDTH: f32 = 0.35;

/// The pixels that differ.
pub struct Changes {
    /// By pixel of the coarse picture: the difference where it counts, and 0.
    differs: Vec<f32>,
    width: usize,
    height: usize,
    overlap: usize,
    noise: f32,
    outside: usize,
}

impl Changes {
    /// Finds them: differences are averaged over 3×3 pixels, so that noise goes and what moved stays.
    pub fn find(fine: &Plane, coarse: &Plane, fit: &Fit) -> Self {
        let differences = fit.differences(fine, coarse);
        let overlap = differences.iter().flatten().count();
        let plain = differences.into_iter().map(|value| value.unwrap_or(0.0)).collect();
        let averaged = Plane::new(coarse.width, coarse.height, plain).averaged();
        let steep = coarse.steepness().largest();
        let noise = fit.noise.max(MIN_NOISE);
        let beyond = |(difference, steep): (&f32, &f32)| {
            if difference.abs() > NOISES * noise + MISALIGNMENT * steep { *difference } else { 0.0 }
        };
        let differs: Vec<f32> = averaged.values.iter().zip(&steep.values).map(beyond).collect();
        let mut changes =
            Self { differs, width: coarse.width, height: coarse.height, overlap, noise: fit.noise, outside: 0 };
        let all = changes.rows(0, changes.height).count();
        changes.outside = all - changes.caption();
        changes
    }

    /// Whether there are any but a caption.
    pub fn are_there(&self) -> bool {
        self.noise > MAX_NOISE || self.part() > MAX_PART
    }

    /// The part of the overlap that differs, a caption left out.
    pub fn part(&self) -> f32 {
        self.outside as f32 / self.overlap.max(1) as f32
    }

    /// Changed pixels of some rows: column, row, difference.
    fn rows(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, usize, f32)> {
        let changed = self.differs[from * self.width..to * self.width].iter().enumerate();
        changed
            .filter(|(_, value)| **value != 0.0)
            .map(move |(at, value)| (at % self.width, from + at / self.width, *value))
    }

    /// How many changed pixels a caption explains: the better of the upper and the lower edge.
    fn caption(&self) -> usize {
        let strip = (CAPTION_HEIGHT + CAPTION_MARGIN) * self.height as f32;
        let strip = strip as usize;
        self.caption_in(0, strip).max(self.caption_in(self.height - strip, self.height))
    }

    /// The number of changed pixels between two rows when they look like a caption, or 0.
    fn caption_in(&self, from: usize, to: usize) -> usize {
        let count = self.rows(from, to).count();
        if count == 0 {
            return 0;
        }
        let (left, right) = self.rows(from, to).fold((self.width, 0), |(l, r), (x, ..)| (l.min(x), r.max(x + 1)));
        let (top, bottom) = self.rows(from, to).fold((self.height, 0), |(t, b), (_, y, _)| (t.min(y), b.max(y + 1)));
        let (wide, high) = ((right - left) as f32, (bottom - top) as f32);
        let is_strip = wide >= CAPTION_WIDTH * self.width as f32 && high <= CAPTION_HEIGHT * self.height as f32;
        let (lighter, darker) = self
            .rows(from, to)
            .fold((0.0, 0.0), |(up, down), (_, _, value): (_, _, f32)| (up + value.max(0.0), down + (-value).max(0.0)));
        let one_sign = f32::max(lighter, darker) >= CAPTION_ONE_SIGN * (lighter + darker);
        let is_filled = count as f32 >= CAPTION_FILLED * wide * high;
        let mut columns: Vec<usize> = self.rows(from, to).map(|(x, ..)| x).collect();
        columns.sort_unstable();
        columns.dedup();
        let is_line = wide >= LINE_WIDTH * self.width as f32 && columns.len() as f32 >= LINE_COLUMNS * wide;
        if is_strip && (one_sign || is_filled || is_line) { count } else { 0 }
    }
}
