//! Indexing by decoding, where packets do not number the frames.
use super::beside::Beside;
use super::chain::{Mark, PacketChain};
use super::grid::{Grid, SourceFrame};
use crate::container::demux::Demuxer;
use crate::container::timeline::{Timeline, scale};
use crate::read_error::ReadError;
use crate::video::cursor::Cursor;
use crate::video::reader::Decoded;
use ffmpeg_next::format::stream::Stream;

/// Feeds the frames of a video to `grid`, decoding all of it, and what is read beside them to `beside`. Returns why the rest
/// cannot be read.
pub(super) fn index(
    demuxer: Demuxer,
    timeline: Timeline,
    grid: &mut Grid<'_>,
    beside: &mut Beside,
) -> Result<Option<String>, ReadError> {
    let stream = demuxer.stream()?;
    let (pictures, mut chain) = (stream.index(), PacketChain::new(&stream.parameters()));
    let mut clock = Clock { timeline, step: frame_step(&stream), last: None };
    let mut cursor = Cursor::of(demuxer, timeline)?;
    let mut mark: Option<Mark> = None;
    while let Some(decoded) = cursor.next_observed(&mut |packet| match packet.stream() == pictures {
        true => mark = Some(chain.push(packet)),
        false => beside.push(packet),
    }) {
        let Some(mark) = mark else { continue };
        let ns = clock.time(&decoded);
        // Before every key frame: such a video is decoded from its first packet, so that is where digests begin.
        if !grid.push(SourceFrame { ns, pts: i64::MIN, mark }, &mut chain) {
            return Ok(None);
        }
    }
    grid.end(&mut chain);
    Ok(cursor.broken().map(|reason| format!("reading stopped: {reason}")))
}

/// Times of counted frames.
struct Clock {
    timeline: Timeline,
    /// Nanoseconds from frame to frame where timestamps do not say.
    step: i64,
    last: Option<i64>,
}

impl Clock {
    /// The frame's own time if it goes on from the last one, else one step more.
    fn time(&mut self, decoded: &Decoded) -> i64 {
        let own = decoded.timestamp().map(|ticks| self.timeline.ns(ticks));
        let ns = match (self.last, own) {
            (None, _) => 0,
            (Some(last), Some(ns)) if ns > last => ns,
            (Some(last), _) => last.saturating_add(self.step),
        };
        self.last = Some(ns);
        ns
    }
}

/// Nanoseconds of a frame by the header's frame rate; 1/25 s when it has none.
fn frame_step(stream: &Stream<'_>) -> i64 {
    let rate = stream.rate();
    let usable = rate.numerator() > 0 && rate.denominator() > 0;
    if usable { scale(1, rate.invert(), 1_000_000_000).max(1) } else { 40_000_000 }
}
