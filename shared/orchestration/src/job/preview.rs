//! The part of a job that a preview does.
use crate::footage::Footage;
use framefleet_frames::FrameRange;
use framefleet_pipeline::{PixelSource, Plan};
use framefleet_stage::Halo;
use std::collections::BTreeSet;

/// Which batches a preview does: whole batches spread over the items, each widened for a step by what later steps look at.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    /// Frames per item, ascending.
    chosen: Vec<Vec<FrameRange>>,
    /// Per step, frames before and after that users of its annotations look at.
    margin: Vec<Halo>,
}

impl Preview {
    /// `count` batches, spread evenly over the batches that the headers promise.
    pub fn new<'f>(count: u64, plan: &Plan, footage: impl Iterator<Item = &'f Footage>) -> Self {
        let of_item = |footage: &Footage| {
            let size = footage.batch_frames;
            (size, footage.item.estimated_frames.div_ceil(size).max(1))
        };
        let (sizes, lengths): (Vec<u64>, Vec<u64>) = footage.map(of_item).unzip();
        let total: u64 = lengths.iter().sum();
        let mut chosen = vec![Vec::new(); lengths.len()];
        for number in 0..count.min(total) {
            let mut place = (2 * number + 1) * total / (2 * count.min(total));
            for (item, length) in lengths.iter().enumerate() {
                if place < *length {
                    chosen[item].push(FrameRange { start: place * sizes[item], end: (place + 1) * sizes[item] });
                    break;
                }
                place -= length;
            }
        }
        Self { chosen, margin: margins(plan) }
    }

    /// The groups of a step, of so many frames each, that it does of a part of an item.
    pub fn ranges(&self, step: usize, item: usize, group: u64, part: &FrameRange) -> Vec<FrameRange> {
        let margin = self.margin[step];
        let groups = self.chosen[item].iter().flat_map(|chosen| {
            chosen.start.saturating_sub(margin.before) / group..(chosen.end + margin.after).div_ceil(group)
        });
        let groups: BTreeSet<u64> = groups.collect();
        let range = |number: u64| FrameRange {
            start: (number * group).max(part.start),
            end: ((number + 1) * group).min(part.end),
        };
        let done = |range: &FrameRange| range.start < range.end && self.includes(step, item, range);
        groups.into_iter().map(range).filter(done).collect()
    }

    /// Whether a step does frames of a range.
    pub fn includes(&self, step: usize, item: usize, range: &FrameRange) -> bool {
        self.first_done_by(step, item, range.start).is_some_and(|first| first < range.end)
    }

    /// The first frame from this one on that some step does.
    pub fn first_done(&self, item: usize, frame: u64) -> Option<u64> {
        (0..self.margin.len()).filter_map(|step| self.first_done_by(step, item, frame)).min()
    }

    fn first_done_by(&self, step: usize, item: usize, frame: u64) -> Option<u64> {
        let (margin, chosen) = (self.margin[step], &self.chosen[item]);
        let next = chosen.partition_point(|chosen| chosen.end + margin.after <= frame);
        chosen.get(next).map(|chosen| chosen.start.saturating_sub(margin.before).max(frame))
    }
}

/// How far users of a step's results look around, summed along the worst path.
fn margins(plan: &Plan) -> Vec<Halo> {
    let steps = &plan.steps;
    let mut margin = vec![Halo::default(); steps.len()];
    for (user, plan) in steps.iter().enumerate().rev() {
        let annotations = plan.process.iter().flat_map(|half| &half.providers).map(|provider| provider.step);
        let frames = plan.pixels.iter().filter_map(|input| match input.source {
            PixelSource::Step(maker) => Some(maker),
            PixelSource::Ingest => None,
        });
        for provider in annotations.chain(frames).collect::<BTreeSet<_>>() {
            let reach =
                Halo { before: margin[user].before + plan.halo.before, after: margin[user].after + plan.halo.after };
            let known = margin[provider];
            margin[provider] = Halo { before: known.before.max(reach.before), after: known.after.max(reach.after) };
        }
    }
    margin
}
