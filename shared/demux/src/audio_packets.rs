//! Packets of a file's audio, on the clock of its pictures.
use super::demuxer::{Demuxer, Read};
use super::read_ahead::ReadAhead;
use ffmpeg_next::{Packet, Rational};
use framefleet_frames::{Item, ReadError, VideoFile};
use std::convert::Infallible;

/// Reads the packets of an audio stream.
pub struct AudioPackets {
    demuxer: Demuxer,
    /// The unit of the stream's times.
    unit: Rational,
    /// The stream of pictures that say how clocks go on, and its unit, where clocks start anew.
    pictures: Option<(usize, Rational)>,
    ahead: ReadAhead,
}

impl AudioPackets {
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
        Ok(Some(Self { unit: demuxer.time_base()?, demuxer, pictures, ahead: ReadAhead::new(item.stepped) }))
    }

    /// The container.
    pub fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// Moves to a place at or before `ticks`, where the file's times allow it.
    pub fn seek(&mut self, ticks: i64) {
        // Where the container cannot seek, all before is decoded and dropped.
        if !self.ahead.may_step() {
            self.demuxer.seek(ticks);
        }
    }

    /// The next packet; `None` where nothing more can be read.
    pub fn next_packet(&mut self) -> Option<Packet> {
        let Self { demuxer, unit, pictures, ahead } = self;
        let next = ahead.next_packet(|note| {
            let read = demuxer.read_beside(&mut |packet| {
                if let Some((_, unit)) = pictures.filter(|(pictures, _)| packet.stream() == *pictures) {
                    note(packet, unit);
                }
            });
            Ok::<_, Infallible>(match read {
                Read::Packet(packet) => Some((packet, *unit)),
                Read::End | Read::Broken(_) => None,
            })
        });
        next.unwrap_or_else(|never| match never {})
    }
}
