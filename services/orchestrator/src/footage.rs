//! What is known of the items so far: batches on the grid, cut to the job's range, sampled per step.
use bytes::Bytes;
use framefleet_media::{BatchInfo, FrameRange, ImageFile, Item, ItemKind, frame::batch_frames};
use framefleet_pipeline::JobRange;
use framefleet_stage::{Beside, Halo};

/// One item, as far as it is indexed.
#[derive(Clone, Debug)]
pub struct Footage {
    /// The item, without its files: those of indexed frames are their batches'.
    pub item: Item,
    /// The document of the ledger that lists its files; empty when it has none.
    pub files_listed: Bytes,
    /// Frames of a whole batch on its grid.
    pub batch_frames: u64,
    /// Batches found so far, from frame 0.
    pub batches: Vec<BatchInfo>,
    /// Whether the last batch has been found.
    pub complete: bool,
    /// Why the rest of the item cannot be read.
    pub damage: Option<String>,
}

impl Footage {
    /// An item nothing is known of but its headers.
    pub fn new(item: Item) -> Self {
        Self {
            batch_frames: batch_frames(&item),
            item: Item { files: Vec::new(), ..item },
            files_listed: Bytes::new(),
            batches: Vec::new(),
            complete: false,
            damage: None,
        }
    }

    /// Frames found so far.
    pub fn frames(&self) -> u64 {
        self.batches.last().map_or(0, |batch| batch.start + batch.pts_ns.len() as u64)
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
        self.batches.get(batch).map_or(FrameRange { start: 0, end: 0 }, |info| FrameRange {
            start: info.start,
            end: info.start + info.pts_ns.len() as u64,
        })
    }

    /// Presentation time of a frame, if it is indexed.
    pub fn pts_ns(&self, frame: u64) -> Option<i64> {
        let batch = self.batches.get(usize::try_from(frame / self.batch_frames).ok()?)?;
        batch.pts_ns.get(usize::try_from(frame - batch.start).ok()?).copied()
    }

    /// Presentation times of a range, which must be indexed.
    pub fn range_pts_ns(&self, range: &FrameRange) -> Vec<i64> {
        (range.start..range.end).filter_map(|frame| self.pts_ns(frame)).collect()
    }

    /// Files of a range, ascending by frame: of sequences and stills.
    pub fn files(&self, range: &FrameRange) -> impl Iterator<Item = &ImageFile> {
        let within = *range;
        let files = self.batches[self.batches_of(range)].iter().flat_map(|batch| &batch.files);
        files.filter(move |file| (within.start..within.end).contains(&file.frame))
    }

    /// Whether a frame is there: of stills, whether its picture is. The range of a task of stills also has the numbers of those that have gone
    /// since its batch was new; its key tells of them, and nothing else does.
    pub fn is_there(&self, frame: u64) -> bool {
        self.item.kind() != ItemKind::Stills
            || self.files(&FrameRange { start: frame, end: frame + 1 }).next().is_some()
    }

    /// Frames of a range that are there; all of it until the item is indexed.
    pub fn count(&self, range: &FrameRange) -> u64 {
        match self.item.kind() {
            ItemKind::Stills if self.known_to(range.end) => self.files(range).count() as u64,
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
        let range = self.batches.get(batch).map(|info| job.cut(info));
        range.filter(|range| self.count(range) > 0).unwrap_or(FrameRange { start: 0, end: 0 })
    }

    /// The frames of a group of batches that the job does; `None` when there are none. The group must be indexed.
    pub fn group_range(&self, group: usize, size: u64, job: &JobRange) -> Option<FrameRange> {
        let size = size.max(1) as usize;
        let batches = (group * size)..((group + 1) * size).min(self.batches.len());
        let mut parts = batches.map(|batch| self.selected(batch, job)).filter(|part| part.start < part.end);
        let first = parts.next()?;
        let end = parts.next_back().map_or(first.end, |last| last.end);
        Some(FrameRange { start: first.start, end })
    }

    /// Whether all batches of a group are indexed.
    pub fn group_known(&self, group: usize, size: u64) -> bool {
        self.complete || self.batches.len() as u64 >= (group as u64 + 1) * size.max(1)
    }

    /// What a half reads of the item's file beside what its tasks were given: name and digest, of what there is.
    pub fn beside(&self, read: Beside) -> impl Iterator<Item = (&'static str, &[u8])> {
        let digests = self.item.content.iter().flat_map(move |content| {
            [("sound", read.sound.then_some(&content.sound)), ("rest", read.rest.then_some(&content.rest))]
        });
        digests.filter_map(|(what, digest)| Some((what, digest?.as_ref()))).filter(|(_, digest)| !digest.is_empty())
    }

    /// Groups that have a frame in a range.
    pub fn groups_of(&self, range: &FrameRange, size: u64) -> std::ops::Range<usize> {
        let batches = self.batches_of(range);
        if batches.is_empty() {
            return 0..0;
        }
        let size = size.max(1) as usize;
        batches.start / size..(batches.end - 1) / size + 1
    }
}
