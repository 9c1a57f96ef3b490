//! Frames on their way between steps: what reaches a step, and how many of them a task has at a time.
//!
//! Tasks of most steps span batches. Where frames are made that are larger than the source's, a batch of them would not fit into
//! memory: tasks of their maker, and of steps behind it, span a part of a batch, so that made frames travel in parts of
//! [`BATCH_BYTES`] at most (or of one frame, when that alone is larger). The length of a part divides that of the batch; it follows
//! from the item and from what is made, never from the machine, since keys of tasks depend on it; and of stills never from the
//! sizes that they have, since others may be added.
use crate::{PixelSource, Plan};
use framefleet_frames::frame::{BATCH_BYTES, batch_frames};
use framefleet_frames::made::{self, Shape};
use framefleet_frames::{Item, MadeFrames, Rendition};

impl Plan {
    /// What steps upstream make of full frames before a step looks at them, first maker first: the step's maker, the maker whose
    /// frames that one looks at, and so on. Empty when it looks at the source's own.
    pub fn makers(&self, step: usize) -> Vec<MadeFrames> {
        let mut rules: Vec<MadeFrames> =
            self.maker_steps(step).filter_map(|maker| self.steps[maker].made.clone()).collect();
        rules.reverse();
        rules
    }

    /// Frames of an item that a part of a step's work has, a whole batch or less.
    pub fn part_frames(&self, step: usize, item: &Item) -> u64 {
        // The first maker's parts are parts of batches; what looks at made frames has parts of its maker's parts.
        let mut chain: Vec<usize> = self.maker_steps(step).collect();
        chain.reverse();
        chain.push(step);
        chain.into_iter().fold(batch_frames(item), |length, step| self.fitting(step, item, length))
    }

    /// Frames of an item that a task of a step spans.
    pub fn task_frames(&self, step: usize, item: &Item) -> u64 {
        self.part_frames(step, item).saturating_mul(self.steps[step].group_for(item))
    }

    /// Frames of an item for which memory is reserved at a time in a pass: parts of all its steps consist of such slices.
    pub fn slice_frames(&self, pass: usize, item: &Item) -> u64 {
        let steps = self.passes.get(pass).into_iter().flat_map(|pass| &pass.process);
        steps.fold(batch_frames(item), |slice, step| gcd(slice, self.part_frames(*step, item)))
    }

    /// The largest frame that a step makes of an item.
    pub(crate) fn made_shape(&self, step: usize, item: &Item) -> Option<Shape> {
        let own = self.steps[step].made.as_ref()?;
        Some(made::largest(self.makers(step).iter().chain([own]), item))
    }

    /// Steps that made the full frames that a step looks at, the latest first.
    fn maker_steps(&self, step: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.maker(step), |maker| self.maker(*maker))
    }

    /// The step whose frames a step looks at.
    fn maker(&self, step: usize) -> Option<usize> {
        self.steps[step].pixels.iter().find_map(|input| match input.source {
            PixelSource::Step(maker) if input.rendition == Rendition::Full => Some(maker),
            _ => None,
        })
    }

    /// The most frames, a divisor of `length`, of which neither the made ones that a step looks at nor those that it makes take
    /// more than a part may.
    fn fitting(&self, step: usize, item: &Item, length: u64) -> u64 {
        let makers = self.makers(step);
        let bytes = |rules: &[MadeFrames]| made::usual_bytes(rules, item);
        let read = (!makers.is_empty()).then(|| bytes(&makers));
        let made =
            self.steps[step].made.iter().map(|own| bytes(&[makers.as_slice(), std::slice::from_ref(own)].concat()));
        let frame = made.chain(read).max().unwrap_or_default();
        let fits = |part: &u64| self.steps[step].sampling.most_of(*part, 1).saturating_mul(frame) <= BATCH_BYTES;
        (1..=length).rev().filter(|part| length.is_multiple_of(*part)).find(fits).unwrap_or(1)
    }
}

/// Greatest common divisor of two positive numbers.
pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
