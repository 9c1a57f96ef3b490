//! How a video numbers its frames, learned by decoding the first of them and comparing these with their packets.
use super::reader::Reader;
use ffmpeg_next::{Packet, codec, frame::side_data};
use framefleet_demux::Read;
use framefleet_demux::timeline::{Numbering, Timeline, is_shown};
use framefleet_frames::{ReadError, VideoFile};
use std::collections::BTreeSet;

/// Frames that are decoded to learn how a file's timestamps behave.
const TRIAL_FRAMES: usize = 24;

/// Packets read for them at most.
const TRIAL_PACKETS: usize = 2000;

/// Learns the timeline of a video by decoding its first frames and comparing them with their packets.
pub fn timeline(file: VideoFile<'_>) -> Result<Timeline, ReadError> {
    let mut reader = Reader::open(file)?;
    let time_base = reader.demuxer().time_base()?;
    let mut trial = Trial::run(&mut reader, true)?;
    let begins_with_key = !trial.awaits_key;
    if trial.awaits_key {
        // Some codecs refresh their pictures bit by bit.
        trial = Trial::run(&mut Reader::open(file)?, false)?;
    }
    if trial.frames == 0 {
        return Err(ReadError::container(file.path(), "not one frame could be decoded"));
    }
    // Without any timestamp, frames are counted and the origin stands for nothing.
    let first = trial.decoded.first().copied();
    // Frames that refer to what was before the recording are no frames of it; damage at the beginning of a whole file is to be seen.
    let origin = trial.origin.filter(|_| trial.passed_over).or(first).unwrap_or(0);
    let begins_late = trial.passed_over || trial.packets.first().is_some_and(|first| *first < origin);
    let (numbering, captions) = (trial.numbering(), trial.captions);
    Ok(Timeline { origin, time_base, numbering, begins_with_key, begins_late, captions })
}

/// What the first frames of a file and their packets say.
#[derive(Default)]
struct Trial {
    /// Timestamps of shown packets.
    packets: BTreeSet<i64>,
    /// Decoded frames.
    frames: usize,
    /// Timestamps of those that have one, as they came.
    decoded: Vec<i64>,
    /// That of the first whole one.
    origin: Option<i64>,
    /// No key frame came so far, without which nothing is decoded.
    awaits_key: bool,
    /// Packets before the first key frame were not decoded.
    passed_over: bool,
    /// A frame has closed captions in it.
    captions: bool,
    /// A packet or a frame had no timestamp.
    missing: bool,
    /// Two shown packets had the same.
    repeated: bool,
    /// The decoder met damage.
    damaged: bool,
}

impl Trial {
    /// Decodes the first frames, of all packets or from the first key frame on.
    fn run(reader: &mut Reader, from_key: bool) -> Result<Self, ReadError> {
        let mut trial = Self { awaits_key: from_key, ..Self::default() };
        let codec = reader.demuxer().stream()?.parameters().id();
        let mut seen = 0;
        while trial.frames < TRIAL_FRAMES && seen < TRIAL_PACKETS {
            match reader.demuxer_mut().read() {
                Read::Packet(packet) => {
                    seen += 1;
                    trial.awaits_key &= !packet.is_key();
                    if trial.awaits_key {
                        trial.passed_over = true;
                        continue;
                    }
                    trial.note_packet(codec, &packet);
                    trial.damaged |= !reader.send(&packet);
                    trial.take_frames(reader);
                }
                Read::End | Read::Broken(_) => {
                    reader.send_end();
                    trial.take_frames(reader);
                    break;
                }
            }
        }
        Ok(trial)
    }

    /// Notes the timestamp of a packet that makes a frame.
    fn note_packet(&mut self, codec: codec::Id, packet: &Packet) {
        if !is_shown(codec, packet) {
            return;
        }
        match packet.pts() {
            Some(pts) => self.repeated |= !self.packets.insert(pts),
            None => self.missing = true,
        }
    }

    /// Notes the frames that are ready.
    fn take_frames(&mut self, reader: &mut Reader) {
        while let Some(decoded) = reader.receive() {
            self.frames += 1;
            self.damaged |= decoded.damaged;
            self.missing |= decoded.frame.pts().is_none();
            self.captions |= decoded.frame.side_data(side_data::Type::A53CC).is_some();
            if let Some(pts) = decoded.timestamp() {
                self.decoded.push(pts);
                if !decoded.damaged {
                    self.origin.get_or_insert(pts);
                }
            }
        }
    }

    /// Packets number frames when the decoder shows exactly the packets, once each, in order; what it could not decode
    /// for damage does not count against that.
    fn numbering(&self) -> Numbering {
        let ascending = self.decoded.is_sorted_by(|a, b| a < b);
        let (Some(&first), Some(&last)) = (self.decoded.first(), self.decoded.last()) else {
            return Numbering::Counted;
        };
        if self.missing || self.repeated || !ascending {
            return Numbering::Counted;
        }
        let decoded: BTreeSet<i64> = self.decoded.iter().copied().collect();
        let expected: BTreeSet<i64> = self.packets.range(first..=last).copied().collect();
        let agree = decoded == expected || (self.damaged && decoded.is_subset(&expected));
        if agree { Numbering::Timestamps } else { Numbering::Counted }
    }
}
