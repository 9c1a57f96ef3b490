//! Indexing by demuxing: every shown packet is a frame.
use super::chain::{Mark, PacketChain};
use super::gaps::Gaps;
use super::grid::{Grid, SourceFrame};
use super::shortfall;
use super::side_digests::SideDigests;
use super::sizes::{Size, Sizes};
use ffmpeg_next::Packet;
use framefleet_decode::video::Runs;
use framefleet_demux::timeline::{Timeline, is_shown, scale};
use framefleet_demux::{Demuxer, Read};
use framefleet_frames::ReadError;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Frames that may precede a frame in decoding order and follow it in presentation order: the most that H.264, H.265 and
/// H.266 allow (`max_num_reorder_frames` ≤ 16), and no other codec has more. One more than that settles the earliest.
const REORDER: usize = 17;

/// A shown packet that waits for those presented before it.
struct Waiting {
    pts: i64,
    mark: Mark,
    duration_ns: i64,
    position: u64,
    from_start: bool,
    size: Option<Size>,
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

/// Brings packets into presentation order, and frames to the grid.
struct Order {
    timeline: Timeline,
    /// The packet that was read last: at the end of a file that is cut it is not whole.
    newest: Option<Waiting>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Whether a frame was given on.
    begun: bool,
    runs: Runs<Waiting>,
    /// Packets that cannot be frames: they have no timestamp.
    stray: u64,
    gaps: Gaps,
}

/// Feeds the frames of a video to `grid`, and what is read beside them to `side`. Returns what is damaged or missing.
pub(super) fn index(
    mut demuxer: Demuxer,
    timeline: Timeline,
    grid: &mut Grid<'_>,
    side: &mut SideDigests,
) -> Result<Option<String>, ReadError> {
    let parameters = demuxer.stream()?.parameters();
    let (codec, mut chain) = (parameters.id(), PacketChain::new(&parameters));
    let (may_step, mut sizes) = (demuxer.may_step(), Sizes::new(parameters));
    let mut order = Order::new(timeline, demuxer.frame_step());
    let broken = loop {
        match demuxer.read_beside(&mut |packet| side.push(packet)) {
            Read::Packet(packet) => {
                let mark = chain.push(&packet);
                order.gaps.packet(mark.packet, demuxer.reported());
                let size = sizes.of(&packet);
                if is_shown(codec, &packet) {
                    let position = u64::try_from(packet.position()).ok().filter(|_| may_step);
                    let place = (position.unwrap_or(0), demuxer.stepped());
                    order.push(&packet, mark, place, size);
                }
            }
            Read::End => break None,
            Read::Broken(reason) => break Some(format!("reading stopped: {reason}")),
        }
        while order.waiting.len() >= REORDER {
            if !order.feed(grid, &mut chain) {
                return Ok(None);
            }
        }
    };
    let cut = broken.or_else(|| shortfall::of(&demuxer));
    let newest = order.newest.take().filter(|_| cut.is_none());
    order.waiting.extend(newest.map(Reverse));
    while !order.waiting.is_empty() {
        order.feed(grid, &mut chain);
    }
    order.end(grid, &mut chain);
    grid.end(&mut chain);
    let stray = (order.stray > 0).then(|| format!("{} packets have no timestamp and are left out", order.stray));
    let damage: Vec<String> = order.gaps.into_problem().into_iter().chain(stray).chain(cut).collect();
    Ok((!damage.is_empty()).then(|| damage.join("; ")))
}

impl Order {
    fn new(timeline: Timeline, step: i64) -> Self {
        let (runs, gaps) = (Runs::new(timeline, step), Gaps::new(step));
        Self { timeline, newest: None, waiting: BinaryHeap::new(), begun: false, runs, stray: 0, gaps }
    }

    /// Adds a shown packet.
    fn push(&mut self, packet: &Packet, mark: Mark, (position, from_start): (u64, bool), size: Option<Size>) {
        let Some(pts) = packet.pts().filter(|&pts| pts != i64::MIN) else {
            self.stray += 1;
            return;
        };
        // Pictures that lead the first key frame cannot be decoded.
        if pts < self.timeline.origin && !self.begun {
            return;
        }
        let duration_ns = scale(packet.duration(), self.timeline.time_base, 1_000_000_000);
        let before = self.newest.replace(Waiting { pts, mark, duration_ns, position, from_start, size });
        self.waiting.extend(before.map(Reverse));
    }

    /// Hands on the earliest frame; false when nobody wants to know more.
    fn feed(&mut self, grid: &mut Grid<'_>, chain: &mut PacketChain) -> bool {
        let Some(Reverse(first)) = self.waiting.pop() else { return true };
        self.begun = true;
        let mut settled = Vec::new();
        self.runs.push(Some(first.pts), first, &mut settled);
        self.report(settled, grid, chain)
    }

    /// Hands on what is left.
    fn end(&mut self, grid: &mut Grid<'_>, chain: &mut PacketChain) {
        let mut settled = Vec::new();
        self.runs.end(&mut settled);
        self.report(settled, grid, chain);
    }

    fn report(&mut self, settled: Vec<(i64, Waiting)>, grid: &mut Grid<'_>, chain: &mut PacketChain) -> bool {
        let repeated = self.runs.repeated();
        settled.into_iter().all(|(ns, Waiting { pts, mark, duration_ns, position, from_start, size })| {
            self.gaps.frame(mark.packet, ns, duration_ns);
            let from_start = from_start || repeated;
            grid.push(SourceFrame { ns, pts, mark, duration_ns, position, from_start, size }, chain)
        })
    }
}
