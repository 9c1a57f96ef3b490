//! Tells interlaced from progressive pictures by measuring combing, since flags lie.
use super::convert::{Luma, luma_rows};
use super::cursor::Cursor;
use super::numbering::timeline;
use framefleet_demux::Demuxer;
use framefleet_demux::timeline::{Numbering, Timeline, scale};
use framefleet_frames::{ReadError, VideoFile};
use std::cmp::Ordering;

/// Stretches looked at, spread over the video.
const STRETCHES: i64 = 10;

/// Consecutive frames of a stretch.
const FRAMES: usize = 5;

/// Columns that are looked at; a wider picture is narrowed, lines are never scaled.
pub const COLUMNS: u32 = 480;

/// How much two lines must differ to count, of 255: above the noise of compressed video.
const STEP: i32 = 12;

/// Pixels that changed from frame to frame, below which nothing can be said.
const MIN_MOVING: u64 = 2000;

/// Scan of a video: `progressive`, or the field order that its motion shows, `tff` or `bff`.
pub fn measured_scan(file: VideoFile<'_>) -> Result<&'static str, ReadError> {
    let timeline = timeline(file)?;
    let mut combing = Combing::default();
    for start in stretches(file, &timeline)? {
        let cursor = match start {
            0 => Cursor::open(file, timeline),
            ns => Cursor::open_before(file, timeline, ns, 0),
        };
        combing.add_stretch(cursor?);
    }
    Ok(combing.verdict())
}

/// Times at which stretches begin. A video that can only be decoded from its start is looked at there.
fn stretches(file: VideoFile<'_>, timeline: &Timeline) -> Result<Vec<i64>, ReadError> {
    let demuxer = Demuxer::video(file)?;
    let stream = demuxer.stream()?;
    let of_stream = (stream.duration() > 0).then(|| scale(stream.duration(), timeline.time_base, 1_000_000_000));
    let duration = of_stream.unwrap_or_else(|| demuxer.input().duration().saturating_mul(1000)).max(0);
    let count = if timeline.numbering == Numbering::Counted || duration == 0 { 1 } else { STRETCHES };
    let mut times: Vec<i64> = (0..count).map(|number| duration / count * number).collect();
    times.dedup();
    Ok(times)
}

/// Counts over all stretches.
#[derive(Default)]
struct Combing {
    /// Pixels that changed between frames.
    moving: u64,
    /// Of those: their line stands out from both neighbours, which are lines of the other field.
    across: u64,
    /// Of those: it stood out the same way in the frame before. Lines that are part of the picture stay on their rows.
    still: u64,
    /// Of all: their line stands out from both neighbours in its own field.
    within: u64,
    /// Difference between neighbouring fields if the top field comes first.
    top_first: u64,
    /// The same if the bottom field comes first.
    bottom_first: u64,
}

impl Combing {
    /// Adds some consecutive frames, wherever decoding begins.
    fn add_stretch(&mut self, mut cursor: Cursor) {
        let mut previous: Option<Luma> = None;
        for _ in 0..FRAMES {
            let Some((decoded, _)) = cursor.next_frame() else { return };
            let Ok(luma) = luma_rows(&decoded.frame, COLUMNS) else { return };
            if let Some(previous) = previous.as_ref().filter(|_| !decoded.damaged) {
                self.add_pair(previous, &luma);
            }
            previous = Some(luma);
        }
    }

    /// Adds two consecutive frames.
    fn add_pair(&mut self, before: &Luma, after: &Luma) {
        if (before.columns, before.rows) != (after.columns, after.rows) || after.rows < 5 {
            return;
        }
        for row in 2..after.rows - 2 {
            let was = before.row(row);
            let lines =
                [after.row(row - 2), after.row(row - 1), after.row(row), after.row(row + 1), after.row(row + 2)];
            let was_around = [before.row(row - 1), before.row(row + 1)];
            for column in 0..after.columns {
                let at = |line: &[u8]| i32::from(line[column]);
                if (at(lines[2]) - at(was)).abs() <= STEP {
                    continue;
                }
                self.moving += 1;
                let across = stands_out(at(lines[1]), at(lines[2]), at(lines[3]));
                let before = stands_out(at(was_around[0]), at(was), at(was_around[1]));
                self.across += u64::from(across.is_ne());
                self.still += u64::from(across.is_ne() && across == before);
                self.within += u64::from(stands_out(at(lines[0]), at(lines[2]), at(lines[4])).is_ne());
                self.add_order(row, at(was), at(lines[2]), was_around.map(at), [at(lines[1]), at(lines[3])]);
            }
        }
    }

    /// Compares fields that would be neighbours in time. On an even line (top field): the later frame's own line with
    /// the earlier frame's bottom lines around it is one field apart if the top field comes first, three if not.
    fn add_order(&mut self, row: usize, was: i32, is: i32, was_around: [i32; 2], around: [i32; 2]) {
        let later_here = (2 * is - was_around[0] - was_around[1]).unsigned_abs() as u64;
        let earlier_here = (2 * was - around[0] - around[1]).unsigned_abs() as u64;
        let (top_first, bottom_first) =
            if row.is_multiple_of(2) { (later_here, earlier_here) } else { (earlier_here, later_here) };
        self.top_first += top_first;
        self.bottom_first += bottom_first;
    }

    /// What the counts say: combed where motion is, much more so across fields than within them (fine texture stands out within fields
    /// too), and not by lines that stay where they are (of texture that moves, about half stood out the same way before).
    fn verdict(&self) -> &'static str {
        let moves = self.still * 4 <= self.across * 3;
        let combed =
            moves && self.moving >= MIN_MOVING && self.across * 20 >= self.moving && self.across >= 3 * self.within;
        match (combed, self.top_first <= self.bottom_first) {
            (false, _) => "progressive",
            (true, true) => "tff",
            (true, false) => "bff",
        }
    }
}

/// Whether the middle line is well above (`Greater`) or well below (`Less`) both others.
fn stands_out(above: i32, middle: i32, below: i32) -> Ordering {
    if middle - above > STEP && middle - below > STEP {
        Ordering::Greater
    } else if above - middle > STEP && below - middle > STEP {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}
