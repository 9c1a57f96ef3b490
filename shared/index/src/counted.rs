//! Indexing by decoding, where packets do not number the frames.
use super::chain::{Mark, PacketChain};
use super::grid::{Grid, SourceFrame};
use super::shortfall;
use super::side_digests::SideDigests;
use super::sizes::Size;
use framefleet_decode::video::Cursor;
use framefleet_decode::video::Decoded;
use framefleet_decode::video::Runs;
use framefleet_demux::Demuxer;
use framefleet_demux::timeline::{Timeline, scale};
use framefleet_frames::ReadError;

/// A frame that waits for its time.
struct Waiting {
    mark: Mark,
    duration_ns: i64,
    size: Size,
}

/// Feeds the frames of a video to `grid`, decoding all of it, and what is read beside them to `side`. Returns what is damaged or
/// missing.
pub(super) fn index(
    demuxer: Demuxer,
    timeline: Timeline,
    grid: &mut Grid<'_>,
    side: &mut SideDigests,
) -> Result<Option<String>, ReadError> {
    let stream = demuxer.stream()?;
    let (pictures, mut chain) = (stream.index(), PacketChain::new(&stream.parameters()));
    let mut runs = Runs::new(timeline, demuxer.frame_step());
    let mut cursor = Cursor::of(demuxer, timeline)?;
    let mut mark: Option<Mark> = None;
    let mut settled = Vec::new();
    while let Some(decoded) = cursor.next_observed(&mut |packet| match packet.stream() == pictures {
        true => mark = Some(chain.push(packet)),
        false => side.push(packet),
    }) {
        let Some(mark) = mark else { continue };
        let size = (decoded.frame.width(), decoded.frame.height());
        let waiting = Waiting { mark, duration_ns: duration_ns(&decoded, &timeline), size };
        runs.push(decoded.timestamp(), waiting, &mut settled);
        if !report(&mut settled, cursor.demuxer().stepped(), grid, &mut chain) {
            return Ok(None);
        }
    }
    runs.end(&mut settled);
    report(&mut settled, cursor.demuxer().stepped(), grid, &mut chain);
    grid.end(&mut chain);
    let broken = cursor.broken().map(|reason| format!("reading stopped: {reason}"));
    Ok(broken.or_else(|| shortfall::of(cursor.demuxer())))
}

/// Hands on frames with their times, and whether clocks started anew before; false when nobody wants to know more.
fn report(settled: &mut Vec<(i64, Waiting)>, stepped: bool, grid: &mut Grid<'_>, chain: &mut PacketChain) -> bool {
    // Before every key frame: such a video is decoded from its first packet, so that is where digests begin.
    let frame = |(ns, Waiting { mark, duration_ns, size })| SourceFrame {
        ns,
        pts: i64::MIN,
        mark,
        duration_ns,
        position: 0,
        from_start: stepped,
        size: Some(size),
    };
    settled.drain(..).map(frame).all(|frame| grid.push(frame, chain))
}

/// How long a frame is shown, as its packet says; 0 where it does not.
fn duration_ns(decoded: &Decoded, timeline: &Timeline) -> i64 {
    scale(decoded.frame.packet().duration, timeline.time_base, 1_000_000_000)
}
