//! How many frames the steps are to do on an item: counted where it is indexed, estimated from its headers until then.
use crate::footage::Footage;
use crate::state::JobState;
use framefleet_media::FrameRange;
use framefleet_pipeline::{PixelSource, Sampling};

impl JobState {
    /// Tells the workload what an item asks of every step, and of decoding in every pass.
    pub(crate) fn expect(&mut self, item: usize) {
        let steps: Vec<u64> = (0..self.plan.steps.len()).map(|step| self.frames_of(step, item)).collect();
        let decoding: Vec<u64> =
            (0..self.plan.passes.len()).map(|pass| self.frames_to_decode(pass, item, &steps)).collect();
        self.workload.expect(item, &steps, &decoding);
    }

    /// Frames of an item that a step does.
    pub(crate) fn frames_of(&self, step: usize, item: usize) -> u64 {
        let plan = &self.plan.steps[step];
        // A preview ends with the first pass.
        if plan.process.is_none() || (self.preview.is_some() && plan.pass > 0) {
            return 0;
        }
        let ranges = self.ranges_of(step, item);
        let footage = &self.footage[item];
        match plan.sampling {
            // Nobody has found the shots yet.
            Sampling::PerShot(_) if plan.pass > self.pass => about(footage, plan.sampling, &ranges),
            Sampling::All => ranges.iter().map(|range| footage.count(range)).sum(),
            _ if footage.complete => {
                // Batch by batch: a list of all frames would be long.
                let batches = ranges.iter().flat_map(|range| {
                    let cut =
                        |of: FrameRange| FrameRange { start: of.start.max(range.start), end: of.end.min(range.end) };
                    footage.batches_of(range).map(move |batch| cut(footage.batch_range(batch)))
                });
                let sampled = batches.flat_map(|range| self.sampled(step, item, &range));
                sampled.filter(|frame| footage.is_there(*frame)).count() as u64
            }
            _ => about(footage, plan.sampling, &ranges),
        }
    }

    /// The parts of an item that the job's range, or a preview, lets a step see.
    pub(crate) fn ranges_of(&self, step: usize, item: usize) -> Vec<FrameRange> {
        let footage = &self.footage[item];
        let whole = match footage.complete {
            true => footage.selected_range(),
            false => Some(self.plan.range.about(footage.expected_frames(), footage.rate())),
        };
        let Some(whole) = whole.filter(|range| range.start < range.end) else { return Vec::new() };
        match &self.preview {
            None => vec![whole],
            Some(preview) => preview.ranges(step, item, footage.task_frames(step), &whole),
        }
    }

    /// About how many frames of an item a pass looks at: all that a step which does every frame sees, else those that each samples
    /// with their halos. `steps` are the frames that the steps do.
    fn frames_to_decode(&self, pass: usize, item: usize, steps: &[u64]) -> u64 {
        let (mut dense, mut sparse) = (0, 0);
        for step in self.readers_of(pass, PixelSource::Ingest) {
            match self.plan.steps[step].sampling {
                Sampling::All => dense = steps[step].max(dense),
                _ => {
                    let halo = self.halo(step, item);
                    sparse += steps[step].saturating_mul(halo.before + 1 + halo.after);
                }
            }
        }
        dense.max(sparse.min(self.footage[item].expected_frames()))
    }

    /// Steps of a pass that look at frames from `source`.
    pub(crate) fn readers_of(&self, pass: usize, source: PixelSource) -> impl Iterator<Item = usize> {
        let steps = &self.plan.steps;
        let reads = move |step: &usize| steps[*step].pixels.iter().any(|input| input.source == source);
        self.plan.passes[pass].process.iter().copied().filter(reads)
    }
}

/// About how many frames of these ranges are sampled.
fn about(footage: &Footage, sampling: Sampling, ranges: &[FrameRange]) -> u64 {
    ranges.iter().map(|range| sampling.about(range, footage.rate())).sum()
}
