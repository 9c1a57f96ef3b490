//! An open decoder, and where in its video it stands.
use super::reader::{Decoded, Reader};
use super::runs::Runs;
use ffmpeg_next::Packet;
use framefleet_demux::timeline::{Numbering, Timeline};
use framefleet_demux::{Demuxer, Read};
use framefleet_frames::{ReadError, VideoFile};
use std::collections::VecDeque;

/// Packets looked at for a key frame after a seek, before an earlier place is tried.
const MAX_PACKETS_TO_KEY: usize = 2000;

/// How often an earlier place is tried before decoding begins at the start of the file.
const MAX_SEEKS: u32 = 8;

/// A decoder that gives the frames of a video in order, from some place on.
pub struct Cursor {
    reader: Reader,
    timeline: Timeline,
    /// A packet read while looking for a key frame, to be decoded first.
    pending: Option<Packet>,
    /// Frames handed back, to be given again, and those whose times are settled.
    queue: VecDeque<Decoded>,
    /// Settles the times of all frames since the file's first, where containers repeat them or start anew.
    runs: Option<Runs<Decoded>>,
    /// Packets before the first key frame are of frames that were not recorded whole.
    awaits_key: bool,
    /// Decoding began at the first packet of the file.
    from_start: bool,
    ended: bool,
    /// Why reading stopped before the end.
    broken: Option<String>,
}

impl Cursor {
    /// Opens a video at its start.
    pub fn open(file: VideoFile<'_>, timeline: Timeline) -> Result<Self, ReadError> {
        Self::of(Demuxer::video(file)?, timeline)
    }

    /// Decodes a video from its start, out of a container that was just opened.
    pub fn of(demuxer: Demuxer, timeline: Timeline) -> Result<Self, ReadError> {
        Ok(Self {
            reader: Reader::of(demuxer)?,
            timeline,
            pending: None,
            queue: VecDeque::new(),
            runs: None,
            awaits_key: timeline.begins_with_key,
            from_start: true,
            ended: false,
            broken: None,
        })
    }

    /// Opens a video at its start, for frames whose times are not those of their packets: see [`Runs`].
    pub fn open_settled(file: VideoFile<'_>, timeline: Timeline) -> Result<Self, ReadError> {
        let mut cursor = Self::open(file, timeline)?;
        let step = cursor.reader.demuxer().frame_step();
        cursor.runs = Some(Runs::new(timeline, step));
        Ok(cursor)
    }

    /// Opens a video where decoding reaches every frame from `ns` on. `limit`: byte position in the file behind which there are only later
    /// ones, whatever their times say; 0 if that is not known.
    pub fn open_before(file: VideoFile<'_>, timeline: Timeline, ns: i64, limit: u64) -> Result<Self, ReadError> {
        let mut cursor = Self::open(file, timeline)?;
        if cursor.seek_before(ns, limit) {
            return Ok(cursor);
        }
        // A container that was seeked about is not trusted to come back to its first packet.
        Self::open(file, timeline)
    }

    /// Whether the times of all frames since the file's first are settled.
    pub fn is_settled(&self) -> bool {
        self.runs.is_some()
    }

    /// The container, for what reading it found.
    pub fn demuxer(&self) -> &Demuxer {
        self.reader.demuxer()
    }

    /// Whether every frame of the file came, or will come, out of this cursor.
    pub fn is_from_start(&self) -> bool {
        self.from_start
    }

    /// Why the rest of the file cannot be read, once that is known.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// The next frame in presentation order, with its time in nanoseconds; `None` at the end.
    pub fn next_frame(&mut self) -> Option<(Decoded, Option<i64>)> {
        loop {
            let decoded = match self.queue.pop_front() {
                Some(decoded) => decoded,
                None => self.decode_timed()?,
            };
            let ns = decoded.ns;
            // Frames before the first that a decoder starting at the file's beginning shows are no frames of the item.
            if self.timeline.numbering == Numbering::Counted || ns.is_none_or(|ns| ns >= 0) {
                return Some((decoded, ns));
            }
        }
    }

    /// Decodes until a frame and its time are known.
    fn decode_timed(&mut self) -> Option<Decoded> {
        loop {
            let decoded = self.decode(&mut |_| {});
            let own = decoded.as_ref().and_then(Decoded::timestamp);
            let own_ns = own.map(|ticks| self.timeline.ns(ticks));
            let Some(runs) = self.runs.as_mut() else {
                return decoded.map(|decoded| Decoded { ns: own_ns, ..decoded });
            };
            let (ended, mut settled) = (decoded.is_none(), Vec::new());
            match decoded {
                Some(decoded) if own_ns.is_none_or(|ns| ns >= 0) => runs.push(own, decoded, &mut settled),
                Some(_) => {}
                None => runs.end(&mut settled),
            }
            self.queue.extend(settled.into_iter().map(|(ns, decoded)| Decoded { ns: Some(ns), ..decoded }));
            match self.queue.pop_front() {
                Some(decoded) => return Some(decoded),
                None if ended => return None,
                None => {}
            }
        }
    }

    /// The next frame, telling every packet that is read for it, of whatever stream.
    pub fn next_observed(&mut self, observe: &mut dyn FnMut(&Packet)) -> Option<Decoded> {
        self.decode(observe)
    }

    /// Hands back frames, in order, that `next_frame` is to give again.
    pub fn hand_back(&mut self, frames: impl DoubleEndedIterator<Item = Decoded>) {
        for decoded in frames.rev() {
            self.queue.push_front(decoded);
        }
    }

    /// Decodes until a frame is ready.
    fn decode(&mut self, observe: &mut dyn FnMut(&Packet)) -> Option<Decoded> {
        loop {
            if let Some(decoded) = self.reader.receive() {
                return Some(decoded);
            }
            if self.ended {
                return None;
            }
            let packet = match self.pending.take() {
                Some(packet) => Read::Packet(packet),
                None => self.reader.demuxer_mut().read_beside(observe),
            };
            match packet {
                Read::Packet(packet) => {
                    observe(&packet);
                    self.awaits_key &= !packet.is_key();
                    if self.awaits_key {
                        continue;
                    }
                    // Its frame will be missing, and that is reported by whoever waits for it.
                    self.reader.send(&packet);
                }
                Read::End => self.end(None),
                Read::Broken(reason) => self.end(Some(reason)),
            }
        }
    }

    /// Nothing more is read.
    fn end(&mut self, broken: Option<String>) {
        self.ended = true;
        self.broken = broken;
        self.reader.send_end();
    }

    /// Goes to a key frame at or before `ns`; false when there is none but the file's first.
    fn seek_before(&mut self, ns: i64, limit: u64) -> bool {
        let target = self.timeline.ticks(ns);
        let base = self.timeline.time_base;
        let second = (i64::from(base.denominator()) / i64::from(base.numerator())).max(1);
        let mut place = target;
        for attempt in 0..MAX_SEEKS {
            if place <= self.timeline.origin || !self.reader.demuxer_mut().seek(place) {
                return false;
            }
            match self.next_key() {
                Some(packet) if limit > 0 && u64::try_from(packet.position()).is_ok_and(|at| at > limit) => {
                    return false;
                }
                Some(packet) if packet.pts().is_some_and(|pts| pts <= target) => {
                    self.from_start = packet.pts() == Some(self.timeline.origin);
                    self.pending = Some(packet);
                    self.reader.flush();
                    return true;
                }
                // Containers index by decoding time, or not at all: the key frame found may be shown after the target.
                Some(packet) => {
                    place = packet.dts().map_or(place, |dts| dts.min(place)).saturating_sub(second << attempt)
                }
                None => place = place.saturating_sub(second << attempt),
            }
        }
        false
    }

    /// Reads up to the next key frame.
    fn next_key(&mut self) -> Option<Packet> {
        for _ in 0..MAX_PACKETS_TO_KEY {
            match self.reader.demuxer_mut().read() {
                Read::Packet(packet) if packet.is_key() => return Some(packet),
                Read::Packet(_) => {}
                Read::End | Read::Broken(_) => return None,
            }
        }
        None
    }
}
