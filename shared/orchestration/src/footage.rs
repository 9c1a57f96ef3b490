//! What is known of the items so far: batches on the grid, cut to the job's range, sampled per step.
use crate::batch::Batch;
use bytes::Bytes;
use framefleet_frames::{FrameRange, ImageFile, Item, ItemKind, frame::batch_frames};
use framefleet_pipeline::{JobRange, Plan};
use framefleet_stage::{Halo, SideInputs};

/// One item, as far as it is indexed.
#[derive(Clone, Debug)]
pub struct Footage {
    /// The item, without its files: those of indexed frames are their batches'.
    pub item: Item,
    /// The document of the ledger that lists its files; empty when it has none.
    pub files_listed: Bytes,
    /// Frames of a whole batch on its grid.
    pub batch_frames: u64,
    /// By step, frames of a part: those of a batch where the step's work is not done in parts.
    part_frames: Vec<u64>,
    /// By step, frames that a task spans, counted from frame 0.
    task_frames: Vec<u64>,
    /// By step, bytes that a task takes for encoding.
    encoder_bytes: Vec<u64>,
    /// By pass, frames for which memory is reserved at a time: batches consist of them.
    slice_frames: Vec<u64>,
    /// Batches found so far, from frame 0.
    pub batches: Vec<Batch>,
    /// From the first frame that the job does to the last, of those found so far.
    span: Option<FrameRange>,
    /// Whether the last batch has been found.
    pub complete: bool,
    /// Why the rest of the item cannot be read.
    pub damage: Option<String>,
}

impl Footage {
    /// An item nothing is known of but its headers.
    pub fn new(item: Item, plan: &Plan) -> Self {
        let steps = 0..plan.steps.len();
        Self {
            batch_frames: batch_frames(&item),
            part_frames: steps.clone().map(|step| plan.part_frames(step, &item)).collect(),
            task_frames: steps.clone().map(|step| plan.task_frames(step, &item)).collect(),
            encoder_bytes: steps.map(|step| framefleet_pipeline::encoder_bytes(plan, step, &item)).collect(),
            slice_frames: (0..plan.passes.len()).map(|pass| plan.slice_frames(pass, &item)).collect(),
            item: Item { files: Vec::new(), ..item },
            files_listed: Bytes::new(),
            batches: Vec::new(),
            span: None,
            complete: false,
            damage: None,
        }
    }

    /// Appends a batch, of which the job does a part.
    pub fn push(&mut self, batch: Batch, job: &JobRange) {
        self.batches.push(batch);
        let selected = self.selected(self.batches.len() - 1, job);
        if selected.start < selected.end {
            let start = self.span.map_or(selected.start, |span| span.start);
            self.span = Some(FrameRange { start, end: selected.end });
        }
    }

    /// The first frame from this one on that the job does, as far as they are found.
    pub fn first_done(&self, frame: u64) -> Option<u64> {
        self.span
            .map(|span| span.start.max(frame)..span.end)
            .filter(|left| left.start < left.end)
            .map(|left| left.start)
    }

    /// Frames found so far.
    pub fn frames(&self) -> u64 {
        self.batches.last().map_or(0, |batch| batch.range().end)
    }

    /// Frames that it has: as many as were found once all are, else about as many as its headers say.
    pub fn expected_frames(&self) -> u64 {
        if self.complete {
            self.count(&FrameRange { start: 0, end: self.frames() })
        } else {
            self.item.estimated_frames.max(self.frames())
        }
    }

    /// Frames per second; `None` for stills.
    pub fn rate(&self) -> Option<f64> {
        let rate = self.item.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0);
        rate.map(|rate| rate.num as f64 / rate.den as f64)
    }

    /// Frames of a batch.
    pub fn batch_range(&self, batch: usize) -> FrameRange {
        self.batches.get(batch).map_or(FrameRange { start: 0, end: 0 }, Batch::range)
    }

    /// Presentation time of a frame, if it is indexed.
    pub fn pts_ns(&self, frame: u64) -> Option<i64> {
        let batch = self.batch_of(frame)?;
        batch.times().get(usize::try_from(frame.checked_sub(batch.range().start)?).ok()?)
    }

    /// Presentation times of a range, which must be indexed.
    pub fn range_pts_ns(&self, range: &FrameRange) -> Vec<i64> {
        (range.start..range.end).filter_map(|frame| self.pts_ns(frame)).collect()
    }

    /// Files of a range, ascending by frame: of sequences and stills.
    pub fn files(&self, range: &FrameRange) -> impl Iterator<Item = ImageFile> {
        let within = *range;
        let files = self.batches[self.batches_of(range)].iter().flat_map(Batch::images);
        files.filter(move |file| (within.start..within.end).contains(&file.frame))
    }

    /// Files of all frames found so far, ascending by frame: of sequences and stills.
    pub fn all_files(&self) -> impl Iterator<Item = ImageFile> {
        self.batches.iter().flat_map(Batch::images)
    }

    fn batch_of(&self, frame: u64) -> Option<&Batch> {
        self.batches.get(usize::try_from(frame / self.batch_frames).ok()?)
    }

    /// Whether a frame is there: of stills, whether its picture is. The range of a task of stills also has the numbers of those that have gone
    /// since its batch was new; its key tells of them, and nothing else does.
    pub fn is_there(&self, frame: u64) -> bool {
        self.item.kind() != ItemKind::Stills || self.batch_of(frame).is_some_and(|batch| batch.has_image(frame))
    }

    /// Frames of a range that are there; all of it until the item is indexed.
    pub fn count(&self, range: &FrameRange) -> u64 {
        match self.item.kind() {
            ItemKind::Stills if self.known_to(range.end) => {
                (range.start..range.end).filter(|frame| self.is_there(*frame)).count() as u64
            }
            _ => range.end.saturating_sub(range.start),
        }
    }

    /// Whether everything up to `end` (or the item's end, when that is nearer) is indexed.
    pub fn known_to(&self, end: u64) -> bool {
        self.complete || self.frames() >= end
    }

    /// `range` widened by a halo and cut to the item.
    pub fn window(&self, range: &FrameRange, halo: Halo) -> FrameRange {
        let end = range.end.saturating_add(halo.after);
        FrameRange { start: range.start.saturating_sub(halo.before), end: end.min(self.frames()) }
    }

    /// Batches that overlap a range.
    pub fn batches_of(&self, range: &FrameRange) -> std::ops::Range<usize> {
        if range.start >= range.end {
            return 0..0;
        }
        let first = (range.start / self.batch_frames) as usize;
        let last = ((range.end - 1) / self.batch_frames) as usize + 1;
        first.min(self.batches.len())..last.min(self.batches.len())
    }

    /// The frames of a batch that the job does; empty when none of them is there.
    pub fn selected(&self, batch: usize, job: &JobRange) -> FrameRange {
        let range = self.batches.get(batch).map(|batch| job.cut(batch.range().start, batch.times()));
        range.filter(|range| self.count(range) > 0).unwrap_or(FrameRange { start: 0, end: 0 })
    }

    /// The frames of the item that the job does; `None` when there are none. All of it must be indexed.
    pub fn selected_range(&self) -> Option<FrameRange> {
        self.span
    }

    /// Whether work of a step is done in parts of batches.
    pub fn has_parts(&self, step: usize) -> bool {
        self.part_frames[step] < self.batch_frames
    }

    /// Frames that a task of a step spans, before they are cut.
    pub fn task_frames(&self, step: usize) -> u64 {
        self.task_frames[step]
    }

    /// Bytes that a task of a step takes for encoding.
    pub fn encoder_bytes(&self, step: usize) -> u64 {
        self.encoder_bytes[step]
    }

    /// The frames of a step's task that the job does; `None` when there are none, or none of them is there: a task may be a
    /// part of a batch of stills. They must be indexed.
    pub fn task_range(&self, step: usize, index: usize, job: &JobRange) -> Option<FrameRange> {
        let whole = window_of(self.task_frames[step], index);
        let cut = |range: FrameRange| FrameRange { start: range.start.max(whole.start), end: range.end.min(whole.end) };
        let ranges = self.batches_of(&whole).map(|batch| cut(self.selected(batch, job)));
        let mut ranges = ranges.filter(|range| range.start < range.end);
        let first = ranges.next()?;
        let end = ranges.next_back().map_or(first.end, |last| last.end);
        Some(FrameRange { start: first.start, end }).filter(|range| self.count(range) > 0)
    }

    /// Whether all frames of a step's task are indexed.
    pub fn task_known(&self, step: usize, index: usize) -> bool {
        self.known_to(window_of(self.task_frames[step], index).end)
    }

    /// Tasks of a step that have a frame in a range.
    pub fn tasks_of(&self, step: usize, range: &FrameRange) -> std::ops::Range<usize> {
        let end = range.end.min(self.frames());
        if range.start >= end {
            return 0..0;
        }
        let length = self.task_frames[step];
        (range.start / length) as usize..((end - 1) / length) as usize + 1
    }

    /// Slices of a batch in a pass.
    pub fn slices_per_batch(&self, pass: usize) -> usize {
        (self.batch_frames / self.slice_frames[pass]) as usize
    }

    /// Frames of a slice, cut to the item. Its batch must be indexed.
    pub fn slice_range(&self, pass: usize, slice: usize) -> FrameRange {
        let whole = window_of(self.slice_frames[pass], slice);
        FrameRange { start: whole.start.min(self.frames()), end: whole.end.min(self.frames()) }
    }

    /// Slices in a pass that have a frame in a range.
    pub fn slices_of(&self, pass: usize, range: &FrameRange) -> std::ops::Range<usize> {
        let length = self.slice_frames[pass];
        (range.start / length) as usize..range.end.div_ceil(length) as usize
    }

    /// What a half reads of the item's file beside what its tasks were given: name and digest, of what there is.
    pub fn side_digests(&self, read: SideInputs) -> impl Iterator<Item = (&'static str, &[u8])> {
        let digests = self.item.content.iter().flat_map(move |content| {
            [("sound", read.audio.then_some(&content.audio)), ("rest", read.metadata.then_some(&content.metadata))]
        });
        digests.filter_map(|(what, digest)| Some((what, digest?.as_ref()))).filter(|(_, digest)| !digest.is_empty())
    }
}

/// The run of `length` frames with this number, counted from frame 0.
fn window_of(length: u64, index: usize) -> FrameRange {
    let start = length.saturating_mul(index as u64);
    FrameRange { start, end: start.saturating_add(length) }
}
