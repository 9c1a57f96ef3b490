//! A container with the decoder of its picture stream.
use crate::container::crop::Crop;
use crate::container::demux::Demuxer;
use crate::read_error::ReadError;
use ffmpeg_next::{Packet, codec, frame};
use std::path::Path;

/// A frame as the decoder gave it.
pub(crate) struct Decoded {
    pub(crate) frame: frame::Video,
    /// Parts of it are missing or were made up by the decoder.
    pub(crate) damaged: bool,
}

impl Decoded {
    /// Presentation timestamp in ticks; guessed by libavcodec when the packet had none.
    pub(crate) fn timestamp(&self) -> Option<i64> {
        self.frame.pts().or_else(|| self.frame.timestamp())
    }
}

/// A container with the decoder of its picture stream.
pub(crate) struct Reader {
    demuxer: Demuxer,
    decoder: codec::decoder::Video,
    crop: Crop,
}

impl Reader {
    /// Opens a video at its start.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        Self::of(Demuxer::video(path)?)
    }

    /// Reads on from where a container is.
    pub(super) fn of(demuxer: Demuxer) -> Result<Self, ReadError> {
        let (decoder, crop) = (demuxer.video_decoder()?, demuxer.crop()?);
        Ok(Self { demuxer, decoder, crop })
    }

    /// The container.
    pub(crate) fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// The container, for reading.
    pub(crate) fn demuxer_mut(&mut self) -> &mut Demuxer {
        &mut self.demuxer
    }

    /// Hands a packet to the decoder; false when the decoder calls it damaged.
    pub(crate) fn send(&mut self, packet: &Packet) -> bool {
        self.decoder.send_packet(packet).is_ok()
    }

    /// Tells the decoder that nothing follows.
    pub(crate) fn send_end(&mut self) {
        // It only fails when the end was sent before.
        let _ = self.decoder.send_eof();
    }

    /// The next frame that is ready.
    pub(crate) fn receive(&mut self) -> Option<Decoded> {
        let mut frame = frame::Video::empty();
        self.decoder.receive_frame(&mut frame).ok()?;
        let damaged = frame.is_corrupt() || frame.has_decode_errors();
        self.crop.apply(&mut frame);
        Some(Decoded { frame, damaged })
    }

    /// Forgets what the decoder has seen.
    pub(super) fn flush(&mut self) {
        self.decoder.flush();
    }
}
