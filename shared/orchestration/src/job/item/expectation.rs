//! How many frames the steps are to do on an item: counted where it is indexed, estimated from its headers until then.
use super::ItemView;
use crate::footage::Footage;
use framefleet_frames::FrameRange;
use framefleet_pipeline::{PixelSource, Sampling};

impl ItemView<'_> {
    /// Frames of the item that every step does, and about how many every pass decodes.
    pub(crate) fn expected(self) -> (Vec<u64>, Vec<u64>) {
        let steps: Vec<u64> = (0..self.plan().steps.len()).map(|step| self.frames_of(step)).collect();
        let decoding = (0..self.plan().passes.len()).map(|pass| self.frames_to_decode(pass, &steps)).collect();
        (steps, decoding)
    }

    /// Frames of an item that a step does.
    fn frames_of(self, step: usize) -> u64 {
        let plan = &self.plan().steps[step];
        // A preview ends with the first pass.
        if plan.process.is_none() || (self.job.preview().is_some() && plan.pass > 0) {
            return 0;
        }
        let ranges = self.ranges_of(step);
        let footage = self.footage();
        match plan.sampling {
            // Nobody has found the shots yet.
            Sampling::PerShot(_) if plan.pass > self.pass() => about(footage, plan.sampling, &ranges),
            Sampling::All => ranges.iter().map(|range| footage.count(range)).sum(),
            _ if footage.complete => {
                // Batch by batch: a list of all frames would be long.
                let batches = ranges.iter().flat_map(|range| {
                    let cut =
                        |of: FrameRange| FrameRange { start: of.start.max(range.start), end: of.end.min(range.end) };
                    footage.batches_of(range).map(move |batch| cut(footage.batch_range(batch)))
                });
                let sampled = batches.flat_map(|range| self.sampled(step, &range));
                sampled.filter(|frame| footage.is_there(*frame)).count() as u64
            }
            _ => about(footage, plan.sampling, &ranges),
        }
    }

    /// The parts of an item that the job's range, or a preview, lets a step see.
    pub(crate) fn ranges_of(self, step: usize) -> Vec<FrameRange> {
        let footage = self.footage();
        let whole = match footage.complete {
            true => footage.selected_range(),
            false => Some(self.plan().range.about(footage.expected_frames(), footage.rate())),
        };
        let Some(whole) = whole.filter(|range| range.start < range.end) else { return Vec::new() };
        match self.job.preview() {
            None => vec![whole],
            Some(preview) => preview.ranges(step, self.number(), footage.task_frames(step), &whole),
        }
    }

    /// About how many frames of an item a pass looks at: all that a step which does every frame sees, else those that each samples
    /// with their halos. `steps` are the frames that the steps do.
    fn frames_to_decode(self, pass: usize, steps: &[u64]) -> u64 {
        let (mut dense, mut sparse) = (0, 0);
        for step in self.job.readers_of(pass, PixelSource::Ingest) {
            match self.plan().steps[step].sampling {
                Sampling::All => dense = steps[step].max(dense),
                _ => {
                    let halo = self.halo(step);
                    sparse += steps[step].saturating_mul(halo.before + 1 + halo.after);
                }
            }
        }
        dense.max(sparse.min(self.footage().expected_frames()))
    }
}

/// About how many frames of these ranges are sampled.
fn about(footage: &Footage, sampling: Sampling, ranges: &[FrameRange]) -> u64 {
    ranges.iter().map(|range| sampling.about(range, footage.rate())).sum()
}
