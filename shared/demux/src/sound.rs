//! Packets of a file's sound, on the clock of its pictures.
use super::demuxer::{Demuxer, Read};
use super::steps::Steps;
use ffmpeg_next::{Packet, Rational};
use framefleet_frames::{Item, ReadError, VideoFile};
use std::collections::VecDeque;

/// Packets that are read before one is given, where clocks start anew: sound of a new part may lie before its first picture.
const AHEAD: usize = 64;

/// Reads the packets of a sound stream.
pub struct SoundPackets {
    demuxer: Demuxer,
    /// Where clocks start anew: how they go on, by the packets of this stream of pictures.
    steps: Option<(Steps, usize, Rational)>,
    ahead: VecDeque<Packet>,
    ended: bool,
}

impl SoundPackets {
    /// Opens a sound track of an item, by its number or FFmpeg's choice; `None` when it is not there. Where clocks start anew in the file, it is
    /// read from the start.
    pub fn open(item: &Item, track: Option<u32>) -> Result<Option<Self>, ReadError> {
        let file = VideoFile::of(item);
        let pictures = if item.stepped {
            let pictures = Demuxer::video(file)?;
            Some((pictures.stream()?.index(), pictures.time_base()?))
        } else {
            None
        };
        let Some(demuxer) = Demuxer::audio(file.path(), track, pictures.map(|(stream, _)| stream))? else {
            return Ok(None);
        };
        let steps = pictures.map(|(stream, base)| (Steps::default(), stream, base));
        Ok(Some(Self { demuxer, steps, ahead: VecDeque::new(), ended: false }))
    }

    /// The container.
    pub fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// Moves to a place at or before `ticks`, where the file's times allow it.
    pub fn seek(&mut self, ticks: i64) {
        // Where the container cannot seek, all before is decoded and dropped.
        if self.steps.is_none() {
            self.demuxer.seek(ticks);
        }
    }

    /// The next packet; `None` where nothing more can be read.
    pub fn next_packet(&mut self) -> Option<Packet> {
        let least = if self.steps.is_some() { AHEAD } else { 1 };
        while self.ahead.len() < least && !self.ended {
            let steps = &mut self.steps;
            let read = self.demuxer.read_beside(&mut |packet| {
                if let Some((steps, _, base)) = steps.as_mut().filter(|(_, pictures, _)| packet.stream() == *pictures) {
                    steps.note(packet, *base);
                }
            });
            match read {
                Read::Packet(packet) => self.ahead.push_back(packet),
                Read::End | Read::Broken(_) => self.ended = true,
            }
        }
        let mut packet = self.ahead.pop_front()?;
        if let (Some((steps, ..)), Ok(base)) = (&mut self.steps, self.demuxer.time_base()) {
            steps.correct_other(&mut packet, base);
        }
        Some(packet)
    }
}
