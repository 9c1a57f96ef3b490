//! Indexing by demuxing: every shown packet is a frame.
use super::beside::Beside;
use super::chain::{Mark, PacketChain};
use super::grid::{Grid, SourceFrame};
use crate::container::demux::{Demuxer, Read};
use crate::container::timeline::{Timeline, is_shown};
use crate::read_error::ReadError;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Frames that may precede a frame in decoding order and follow it in presentation order: the most that H.264, H.265 and
/// H.266 allow (`max_num_reorder_frames` ≤ 16), and no other codec has more. One more than that settles the earliest.
const REORDER: usize = 17;

/// A shown packet that waits for those presented before it.
struct Waiting {
    pts: i64,
    mark: Mark,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Waiting {
    fn key(&self) -> (i64, u64) {
        (self.pts, self.mark.packet)
    }
}

/// Brings packets into presentation order.
struct Reorder {
    waiting: BinaryHeap<Reverse<Waiting>>,
    last: Option<i64>,
    /// Packets that cannot be frames: no timestamp, or one that goes back.
    stray: u64,
}

/// Feeds the frames of a video to `grid`, and what is read beside them to `beside`. Returns why the rest cannot be read.
pub(super) fn index(
    mut demuxer: Demuxer,
    timeline: Timeline,
    grid: &mut Grid<'_>,
    beside: &mut Beside,
) -> Result<Option<String>, ReadError> {
    let parameters = demuxer.stream()?.parameters();
    let (codec, mut chain) = (parameters.id(), PacketChain::new(&parameters));
    let mut reorder = Reorder { waiting: BinaryHeap::new(), last: None, stray: 0 };
    let broken = loop {
        match demuxer.read_beside(&mut |packet| beside.push(packet)) {
            Read::Packet(packet) => {
                let mark = chain.push(&packet);
                if is_shown(codec, &packet) {
                    reorder.push(packet.pts().filter(|&pts| pts != i64::MIN), mark, &timeline);
                }
            }
            Read::End => break None,
            Read::Broken(reason) => break Some(format!("reading stopped: {reason}")),
        }
        while reorder.waiting.len() >= REORDER {
            if !feed(&mut reorder, &timeline, grid, &mut chain) {
                return Ok(None);
            }
        }
    };
    while !reorder.waiting.is_empty() {
        feed(&mut reorder, &timeline, grid, &mut chain);
    }
    grid.end(&mut chain);
    let stray =
        (reorder.stray > 0).then(|| format!("{} packets have no usable timestamp and are left out", reorder.stray));
    Ok(broken.or(stray))
}

/// Hands the earliest frame to the grid.
fn feed(reorder: &mut Reorder, timeline: &Timeline, grid: &mut Grid<'_>, chain: &mut PacketChain) -> bool {
    match reorder.pop() {
        Some(Waiting { pts, mark }) => grid.push(SourceFrame { ns: timeline.ns(pts), pts, mark }, chain),
        None => true,
    }
}

impl Reorder {
    /// Adds a shown packet.
    fn push(&mut self, pts: Option<i64>, mark: Mark, timeline: &Timeline) {
        match pts {
            // Pictures that lead the first key frame cannot be decoded.
            Some(pts) if pts < timeline.origin && self.last.is_none() => {}
            Some(pts) if self.last.is_none_or(|last| pts > last) => self.waiting.push(Reverse(Waiting { pts, mark })),
            _ => self.stray += 1,
        }
    }

    /// The earliest packet; `None` when it repeats the time of the one before.
    fn pop(&mut self) -> Option<Waiting> {
        let Reverse(first) = self.waiting.pop()?;
        if self.last.is_some_and(|last| first.pts <= last) {
            self.stray += 1;
            return None;
        }
        self.last = Some(first.pts);
        Some(first)
    }
}
