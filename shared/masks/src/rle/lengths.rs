//! Lengths while they are collected, in the order of columns.
use super::Rle;

/// Lengths while they are collected.
#[derive(Default)]
pub(super) struct Lengths {
    lengths: Vec<u32>,
    end: u32,
}

impl Lengths {
    /// Adds a run; one of the same value as the last makes that longer.
    fn run(&mut self, length: u32, set: bool) {
        self.end += length;
        let last_is_set = self.lengths.len().is_multiple_of(2);
        match self.lengths.last_mut() {
            Some(last) if last_is_set == set => *last += length,
            None if set => self.lengths.extend([0, length]),
            _ => self.lengths.push(length),
        }
    }

    /// Zeros up to a pixel, counted down the columns.
    pub fn zeros_to(&mut self, end: u32) {
        if end > self.end {
            self.run(end - self.end, false);
        }
    }

    /// Ones from a pixel up to another; zeros before them. Nothing where they end before they begin.
    pub fn ones(&mut self, start: u32, end: u32) {
        self.zeros_to(start);
        if end > self.end {
            self.run(end - self.end, true);
        }
    }

    /// Ones up to a pixel.
    pub fn ones_to(&mut self, end: u32) {
        self.ones(self.end, end);
    }

    /// The mask of an image of this size; what is missing is 0.
    pub fn done(mut self, width: u32, height: u32) -> Rle {
        self.zeros_to(width * height);
        Rle { height, width, lengths: self.lengths }
    }

    /// Adds pixels: runs of bytes that are 0 or not.
    pub fn pixels(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            let set = *first != 0;
            let end = end_of(rest, set);
            self.run(end as u32, set);
            rest = &rest[end..];
        }
    }
}

/// Where the run that `bytes` begin with ends; eight at a time as long as they are all 0, or all 255.
fn end_of(bytes: &[u8], set: bool) -> usize {
    let same = [if set { 255 } else { 0 }; 8];
    let whole = bytes.chunks_exact(8).take_while(|chunk| *chunk == same).count() * 8;
    let rest = bytes[whole..].iter().position(|&byte| (byte != 0) != set);
    rest.map_or(bytes.len(), |rest| whole + rest)
}
