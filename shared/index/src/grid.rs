//! Cuts a run of frames into the batches of the grid, on the timeline that deinterlacing makes.
use super::chain::{Mark, PacketChain};
use super::sizes::{Size, SizeChanges};
use framefleet_decode::video::deinterlace::{HALO, Method};
use framefleet_frames::BatchInfo;
use std::collections::VecDeque;

/// Batches that are reported at once at most.
pub(super) const BATCHES_PER_CALL: usize = 8;

/// A frame of the source, in presentation order.
#[derive(Clone, Copy)]
pub(super) struct SourceFrame {
    pub(super) ns: i64,
    /// Timestamp that key frames are compared with.
    pub(super) pts: i64,
    /// The packet that had been read when the frame could be made.
    pub(super) mark: Mark,
    /// How long it is shown, where its packet says it; 0 elsewhere.
    pub(super) duration_ns: i64,
    /// Where its packet lies in the file; 0 where that says nothing.
    pub(super) position: u64,
    /// Its time follows from all packets before it.
    pub(super) from_start: bool,
    /// Of the coded picture, where something says it.
    pub(super) size: Option<Size>,
}

/// How many frames were found.
pub(super) struct Counts {
    /// Frames of the timeline.
    pub(super) made: u64,
    /// When the last frame of the source begins, and how long it is shown; 0 where its packet does not say.
    pub(super) last_ns: i64,
    pub(super) last_frame_ns: i64,
    /// Frames made of one of the source.
    pub(super) per_frame: u64,
    /// Whether times follow from all packets before, somewhere.
    pub(super) stepped: bool,
    /// The least distance of two frames of the source; `None` of one frame.
    pub(super) closest_ns: Option<i64>,
    pub(super) sizes: SizeChanges,
}

/// Collects frames in presentation order and emits batches as soon as all they need is known.
pub(super) struct Grid<'a> {
    batch_frames: u64,
    /// Frames made of a source frame: 2 where fields become frames.
    per_frame: u64,
    halo: u64,
    found: &'a mut dyn FnMut(Vec<BatchInfo>) -> bool,
    /// Source frames that a batch still to come needs; the first has number `first`.
    frames: VecDeque<SourceFrame>,
    first: u64,
    next_start: u64,
    ready: Vec<BatchInfo>,
    last_group: Option<u64>,
    wanted: bool,
    last: Option<SourceFrame>,
    stepped: bool,
    closest_ns: Option<i64>,
    sizes: SizeChanges,
}

impl<'a> Grid<'a> {
    /// A grid of `batch_frames` frames for a timeline.
    pub(super) fn new(
        batch_frames: u64,
        method: Option<Method>,
        found: &'a mut dyn FnMut(Vec<BatchInfo>) -> bool,
    ) -> Self {
        Self {
            batch_frames,
            per_frame: if method.is_some_and(Method::fields_are_frames) { 2 } else { 1 },
            halo: if method.is_some() { HALO as u64 } else { 0 },
            found,
            frames: VecDeque::new(),
            first: 0,
            next_start: 0,
            ready: Vec::new(),
            last_group: None,
            wanted: true,
            last: None,
            stepped: false,
            closest_ns: None,
            sizes: SizeChanges::default(),
        }
    }

    /// Adds the next frame of the source; false when nobody wants to know more.
    pub(super) fn push(&mut self, frame: SourceFrame, chain: &mut PacketChain) -> bool {
        self.sizes.push(self.known() * self.per_frame, frame.ns, frame.size);
        self.frames.push_back(frame);
        let apart = self.last.replace(frame).map(|last| frame.ns.saturating_sub(last.ns));
        self.closest_ns = [apart, self.closest_ns].into_iter().flatten().min();
        self.stepped |= frame.from_start;
        let needed = self.source_end(self.next_start + self.batch_frames) + self.halo;
        if self.known() >= needed.max(self.ends_known_at()) {
            self.close(self.next_start + self.batch_frames, chain);
        }
        self.wanted
    }

    /// The source ends here: emits what is left, but for the digest's chain as it stands.
    pub(super) fn end(&mut self, chain: &mut PacketChain) {
        let total = self.known() * self.per_frame;
        while self.wanted && self.next_start < total {
            self.close(total.min(self.next_start + self.batch_frames), chain);
        }
        self.emit();
    }

    /// How many frames there were.
    pub(super) fn finish(self) -> Counts {
        let (last_ns, last_frame_ns) = self.last.map_or((0, 0), |last| (last.ns, last.duration_ns.max(0)));
        Counts {
            made: self.next_start,
            last_ns,
            last_frame_ns,
            per_frame: self.per_frame,
            stepped: self.stepped,
            closest_ns: self.closest_ns,
            sizes: self.sizes,
        }
    }

    /// Source frames seen so far.
    fn known(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// End of the source frames that frames before `end` are made of.
    fn source_end(&self, end: u64) -> u64 {
        end.div_ceil(self.per_frame)
    }

    /// Source frames that must be known for the times of the next batch: a second field lies between two frames.
    fn ends_known_at(&self) -> u64 {
        self.source_end(self.next_start + self.batch_frames) + (self.per_frame - 1)
    }

    /// Makes the batch of frames `next_start..end`.
    fn close(&mut self, end: u64, chain: &mut PacketChain) {
        let start = self.next_start;
        let reach =
            (start / self.per_frame).saturating_sub(self.halo)..(self.source_end(end) + self.halo).min(self.known());
        let needed: Vec<SourceFrame> = reach.clone().filter_map(|number| self.frame(number)).collect();
        // What a batch needs is kept until it is closed.
        let (Some(first), Some(last)) = (needed.first(), needed.iter().max_by_key(|frame| frame.mark.packet)) else {
            self.wanted = false;
            return;
        };
        let group = chain.group_at(first.pts).min(first.mark.group);
        self.ready.push(BatchInfo {
            files: Vec::new(),
            start,
            pts_ns: (start..end).map(|number| self.time(number)).collect(),
            digest: chain.digest(group, &last.mark).into(),
            seekable: self.last_group != Some(group),
            from_start: needed.iter().any(|frame| frame.from_start),
            position: needed.iter().map(|frame| frame.position).max().unwrap_or(0),
        });
        self.last_group = Some(group);
        self.next_start = end;
        self.forget(chain, group);
        if self.ready.len() >= BATCHES_PER_CALL {
            self.emit();
        }
    }

    /// A source frame that is still kept.
    fn frame(&self, number: u64) -> Option<SourceFrame> {
        self.frames.get(usize::try_from(number.checked_sub(self.first)?).ok()?).copied()
    }

    /// Time of a frame of the timeline.
    fn time(&self, number: u64) -> i64 {
        let source = number / self.per_frame;
        let ns = |number: u64| self.frame(number).map(|frame| frame.ns);
        let own = ns(source).unwrap_or_else(|| self.last.map_or(0, |last| last.ns));
        if number.is_multiple_of(self.per_frame) {
            return own;
        }
        framefleet_decode::video::deinterlace::second_field_ns(source.checked_sub(1).and_then(ns), own, ns(source + 1))
    }

    /// Drops what no later batch needs.
    fn forget(&mut self, chain: &mut PacketChain, group: u64) {
        // One more than the halo: the time of a last second field is guessed from the frame before.
        let keep = (self.next_start / self.per_frame).saturating_sub(self.halo.max(1));
        while self.first < keep && !self.frames.is_empty() {
            self.frames.pop_front();
            self.first += 1;
        }
        chain.forget_before(group);
    }

    /// Hands over the batches that are ready.
    fn emit(&mut self) {
        if !self.ready.is_empty() {
            self.wanted &= (self.found)(std::mem::take(&mut self.ready));
        }
    }
}
