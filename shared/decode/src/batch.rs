//! Decodes the wanted frames of one batch of a video.
use super::open::Open;
use super::{Canvas, Slot};
use crate::video::Converter;
use crate::video::Cursor;
use crate::video::Decoded;
use crate::video::deinterlace::{HALO, Method, deinterlace, second_field_ns};
use ffmpeg_next::frame;
use framefleet_demux::timeline::{Numbering, Timeline};
use framefleet_frames::{BatchInfo, FrameFailure, Item, ReadError, VideoFile};
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

/// Frames that an open decoder rather decodes for nothing than seeks.
const GO_ON: u64 = 64;

/// How much earlier decoding begins, attempt by attempt, while the first frames of a batch do not come out (gradual
/// refresh, damage), nanoseconds.
const EARLIER: [i64; 3] = [0, 2_000_000_000, 20_000_000_000];

/// Why a frame failed that the decoder never gave.
const NO_FRAME: &str = "the decoder gave no picture for this frame: its data is damaged or missing";

/// Why a frame failed that the decoder gave, with errors.
const DAMAGED: &str = "parts of the picture are missing: its data is damaged";

/// One batch to decode.
pub(super) struct Request<'a> {
    pub(super) item: &'a Item,
    pub(super) batch: &'a BatchInfo,
    pub(super) slots: &'a [Slot],
    pub(super) timeline: Timeline,
    pub(super) method: Option<Method>,
}

/// What tells frames apart: nanoseconds from the first frame, or numbers on the timeline where frames are counted.
type Key = i64;

/// A frame of the source.
struct Source {
    decoded: Decoded,
    key: Key,
}

impl Request<'_> {
    fn file(&self) -> VideoFile<'_> {
        VideoFile::of(self.item)
    }

    /// Frames made of a source frame.
    fn per_frame(&self) -> u64 {
        if self.method.is_some_and(Method::fields_are_frames) { 2 } else { 1 }
    }

    /// Source frames around those of the batch that are needed.
    fn halo(&self) -> u64 {
        if self.method.is_some() { HALO as u64 } else { 0 }
    }

    /// Source frames that the first and the last wanted frame are made of; something is wanted.
    fn first_source(&self) -> u64 {
        self.slots.iter().map(|slot| slot.frame).min().unwrap_or(self.batch.start) / self.per_frame()
    }

    fn last_source(&self) -> u64 {
        self.slots.iter().map(|slot| slot.frame).max().unwrap_or(self.batch.start) / self.per_frame()
    }

    /// Where a decoder may stand to be worth going on with. Counted frames have no other way than on from where one is.
    pub(super) fn reach(&self) -> RangeInclusive<u64> {
        let first = self.first_source().saturating_sub(self.halo());
        match self.timeline.numbering {
            Numbering::Timestamps if !self.batch.from_start => first.saturating_sub(GO_ON)..=first,
            _ => 0..=first,
        }
    }

    /// Whether a decoder that is open gives frames the times by which they are known here.
    pub(super) fn can_use(&self, open: &Open) -> bool {
        open.cursor.is_settled() || !self.batch.from_start
    }

    /// Wanted pictures by the key of their frame.
    fn wanted(&self) -> Wanted {
        let mut wanted = Wanted { places: BTreeMap::new() };
        for (place, slot) in self.slots.iter().enumerate() {
            let key = match self.timeline.numbering {
                Numbering::Timestamps => slot.pts_ns,
                Numbering::Counted => slot.frame as Key,
            };
            wanted.places.entry(key).or_default().push(place);
        }
        wanted
    }

    /// Opens a decoder that stands at or before the first source frame; it begins `earlier` nanoseconds before.
    fn open(&self, earlier: i64) -> Result<Open, ReadError> {
        let first = self.first_source().saturating_sub(self.halo());
        let cursor = match self.timeline.numbering {
            Numbering::Timestamps if self.batch.from_start => Cursor::open_settled(self.file(), self.timeline)?,
            Numbering::Timestamps if first > 0 => {
                let wanted_ns = self.slots.iter().map(|slot| slot.pts_ns).min().unwrap_or(0);
                let begin = wanted_ns.saturating_sub(earlier).saturating_sub(self.lead_ns());
                Cursor::open_before(self.file(), self.timeline, begin, self.batch.position)?
            }
            _ => Cursor::open(self.file(), self.timeline)?,
        };
        Ok(Open { next: if cursor.is_from_start() { 0 } else { first }, cursor, converter: Converter::default() })
    }

    /// Time that the halo before the first wanted frame takes, generously.
    fn lead_ns(&self) -> i64 {
        if self.method.is_none() {
            return 0;
        }
        let rate = self.item.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0);
        let frame = rate.map_or(40_000_000, |rate| 1_000_000_000_i64.saturating_mul(rate.den) / rate.num);
        frame.saturating_mul(self.per_frame() as i64 * (HALO as i64 + 2))
    }
}

/// Places of the canvas by the key of their frame.
struct Wanted {
    places: BTreeMap<Key, Vec<usize>>,
}

impl Wanted {
    fn first(&self) -> Key {
        self.places.keys().next().copied().unwrap_or(Key::MAX)
    }

    fn last(&self) -> Key {
        self.places.keys().next_back().copied().unwrap_or(Key::MIN)
    }
}

/// What became of an attempt.
enum Attempt {
    /// Frames that did not come out.
    Done(Vec<FrameFailure>),
    /// The decoder began too late to give what the first wanted frame needs.
    Late,
}

/// Decodes the wanted frames, going on with `idle` where one is given. Returns the decoder, to be gone on with, and the
/// frames that did not come out.
pub(super) fn decode(
    request: &Request<'_>,
    idle: Option<Open>,
    canvas: &mut dyn Canvas,
) -> Result<(Open, Vec<FrameFailure>), ReadError> {
    if let Some(mut open) = idle
        && let Attempt::Done(failures) = attempt(request, &mut open, false, canvas)
    {
        return Ok((open, failures));
    }
    for earlier in EARLIER {
        let mut open = request.open(earlier)?;
        let complete = open.cursor.is_from_start();
        if let Attempt::Done(failures) = attempt(request, &mut open, complete, canvas) {
            return Ok((open, failures));
        }
    }
    let mut open = request.open(EARLIER[0])?;
    let failures = match attempt(request, &mut open, true, canvas) {
        Attempt::Done(failures) => failures,
        Attempt::Late => Vec::new(),
    };
    Ok((open, failures))
}

/// Decodes with one decoder. `complete`: it gives all there is before the wanted frames, so it cannot begin too late.
fn attempt(request: &Request<'_>, open: &mut Open, complete: bool, canvas: &mut dyn Canvas) -> Attempt {
    let mut painter = Painter { request, wanted: request.wanted(), reasons: BTreeMap::new(), canvas };
    let finished = match request.method {
        None => straight(&mut painter, open, complete),
        Some(method) => deinterlaced(&mut painter, open, complete, method),
    };
    if !finished {
        return Attempt::Late;
    }
    if request.timeline.numbering == Numbering::Timestamps {
        open.next = (request.last_source() + 1).saturating_sub(request.halo());
    }
    Attempt::Done(painter.failures(open.cursor.broken()))
}

/// Frame by frame; false when the decoder began too late.
fn straight(painter: &mut Painter<'_>, open: &mut Open, complete: bool) -> bool {
    let (first, last) = (painter.wanted.first(), painter.wanted.last());
    let mut begun = complete;
    while let Some(source) = next(painter.request, open) {
        if !begun && source.key > first {
            hand_back(open, std::iter::once(source));
            return false;
        }
        begun = true;
        if source.key > last {
            hand_back(open, std::iter::once(source));
            break;
        }
        painter.paint(source.key, &source.decoded.frame, source.decoded.damaged, &mut open.converter);
        if source.key == last {
            break;
        }
    }
    begun
}

/// Collects the frames with their halo and deinterlaces them; false when the decoder began too late.
fn deinterlaced(painter: &mut Painter<'_>, open: &mut Open, complete: bool, method: Method) -> bool {
    let (first, last) = (painter.wanted.first(), painter.wanted.last());
    let mut run: VecDeque<Source> = VecDeque::new();
    let mut after = 0;
    while after < HALO {
        let Some(source) = next(painter.request, open) else { break };
        after += usize::from(source.key > last);
        run.push_back(source);
        while run.get(HALO + 1).is_some_and(|source| source.key <= first) {
            run.pop_front();
        }
    }
    let before = run.iter().take_while(|source| source.key <= first).count();
    if before <= HALO && !complete {
        hand_back(open, run.into_iter());
        return false;
    }
    paint_deinterlaced(painter, run.make_contiguous(), method, &mut open.converter);
    let keep = run.iter().filter(|source| source.key <= last).count().saturating_sub(HALO);
    hand_back(open, run.into_iter().skip(keep));
    true
}

/// Paints what deinterlacing makes of a run of frames.
fn paint_deinterlaced(painter: &mut Painter<'_>, run: &[Source], method: Method, converter: &mut Converter) {
    let frames: Vec<&Decoded> = run.iter().map(|source| &source.decoded).collect();
    let made = match deinterlace(&frames, method, painter.request.file().path()) {
        Ok(made) => made,
        Err(error) => return painter.fail_all(&error.to_string()),
    };
    let per_frame = painter.request.per_frame() as usize;
    for (number, pictures) in made.chunks(per_frame).enumerate() {
        let neighbour = |place: Option<usize>| place.and_then(|place| run.get(place)).map(|source| source.key);
        let (own, damaged) = (run[number].key, run[number].decoded.damaged);
        let second = match painter.request.timeline.numbering {
            Numbering::Timestamps => {
                second_field_ns(neighbour(number.checked_sub(1)), own, neighbour(Some(number + 1)))
            }
            Numbering::Counted => own + 1,
        };
        for (picture, key) in pictures.iter().zip([own, second]) {
            painter.paint(key, picture, damaged, converter);
        }
    }
}

/// The next source frame and its key.
fn next(request: &Request<'_>, open: &mut Open) -> Option<Source> {
    loop {
        let (decoded, ns) = open.cursor.next_frame()?;
        let key = match request.timeline.numbering {
            Numbering::Timestamps => ns,
            Numbering::Counted => Some((open.next * request.per_frame()) as Key),
        };
        open.next += 1;
        // A frame without a time, in a video whose frames have times, is none that was indexed.
        if let Some(key) = key {
            return Some(Source { decoded, key });
        }
    }
}

/// Gives frames back to the decoder, for the next batch.
fn hand_back(open: &mut Open, frames: impl DoubleEndedIterator<Item = Source> + ExactSizeIterator) {
    open.next = open.next.saturating_sub(frames.len() as u64);
    open.cursor.hand_back(frames.map(|source| source.decoded));
}

/// Puts frames where they are wanted, and remembers what went wrong.
struct Painter<'a> {
    request: &'a Request<'a>,
    /// Not painted yet.
    wanted: Wanted,
    /// Why a frame is not painted, by its number.
    reasons: BTreeMap<u64, String>,
    canvas: &'a mut dyn Canvas,
}

impl Painter<'_> {
    /// Paints the renditions of a frame, if they are wanted.
    fn paint(&mut self, key: Key, picture: &frame::Video, damaged: bool, converter: &mut Converter) {
        for place in self.wanted.places.remove(&key).unwrap_or_default() {
            let slot = &self.request.slots[place];
            if damaged {
                self.reasons.insert(slot.frame, DAMAGED.to_owned());
                continue;
            }
            if let Err(error) = converter.convert(self.request.item, picture, slot, self.canvas.memory(place)) {
                self.reasons.insert(slot.frame, error.to_string());
            }
        }
    }

    /// Nothing of this batch can be made.
    fn fail_all(&mut self, reason: &str) {
        for slot in self.request.slots {
            self.reasons.insert(slot.frame, reason.to_owned());
        }
        self.wanted.places.clear();
    }

    /// Frames that were not painted, ascending.
    fn failures(mut self, broken: Option<&str>) -> Vec<FrameFailure> {
        let unseen =
            broken.map_or_else(|| NO_FRAME.to_owned(), |reason| format!("{NO_FRAME} (reading stopped: {reason})"));
        for place in std::mem::take(&mut self.wanted.places).into_values().flatten() {
            self.reasons.insert(self.request.slots[place].frame, unseen.clone());
        }
        let failure = |(frame, reason)| FrameFailure { frame, code: "decode".to_owned(), reason };
        self.reasons.into_iter().map(failure).collect()
    }
}
