//! A container with the decoder of its picture stream.
use ffmpeg_next::{Packet, codec, frame, picture};
use framefleet_demux::{Crop, Demuxer};
use framefleet_frames::{ReadError, VideoFile};
use std::collections::BTreeSet;

/// A frame as the decoder gave it.
pub struct Decoded {
    /// The picture, without what the container says is not to be shown.
    pub frame: frame::Video,
    /// Parts of it are missing or were made up by the decoder, or it was predicted from such a frame.
    pub damaged: bool,
    /// Nanoseconds from the item's first frame, once that is known.
    pub ns: Option<i64>,
}

impl Decoded {
    /// Presentation timestamp in ticks; guessed by libavcodec when the packet had none.
    pub fn timestamp(&self) -> Option<i64> {
        self.frame.pts().or_else(|| self.frame.timestamp())
    }
}

/// Frames after a damaged one that are predicted from it at most, where no key frame comes: encoders have one every 250 frames or sooner.
const STALE_FRAMES: u32 = 300;

/// A container with the decoder of its picture stream.
pub(crate) struct Reader {
    demuxer: Demuxer,
    decoder: codec::decoder::Video,
    crop: Crop,
    damage: Damage,
}

/// What is known of damage, as packets go in and frames come out.
#[derive(Default)]
struct Damage {
    /// Pictures are missing that the packets since the last key frame refer to.
    of_packets: bool,
    /// Timestamps of such packets whose frames are to come.
    packets: BTreeSet<i64>,
    /// Frames that a damaged one may still reach.
    stale: u32,
}

impl Damage {
    /// Notes a packet that is decoded next; whether pictures are missing before it, and whether it is not whole.
    fn packet(&mut self, packet: &Packet, gap: bool, lacks_data: bool) {
        self.of_packets = lacks_data || ((gap || self.of_packets) && !packet.is_key());
        if let Some(pts) = packet.pts().filter(|_| self.of_packets) {
            self.packets.insert(pts);
        }
    }

    /// Whether a frame shows what its data say.
    fn frame(&mut self, frame: &frame::Video) -> bool {
        let of_packet = frame.pts().is_some_and(|pts| self.packets.remove(&pts));
        let own = of_packet || frame.is_corrupt() || frame.has_decode_errors();
        if frame.is_key() {
            self.stale = 0;
        }
        let damaged = own || self.stale > 0;
        self.stale = self.stale.saturating_sub(1);
        // Nothing is predicted from most B-frames.
        if own && frame.kind() != picture::Type::B {
            self.stale = STALE_FRAMES;
        }
        damaged
    }
}

impl Reader {
    /// Opens a video at its start.
    pub(crate) fn open(file: VideoFile<'_>) -> Result<Self, ReadError> {
        Self::of(Demuxer::video(file)?)
    }

    /// Reads on from where a container is.
    pub(crate) fn of(demuxer: Demuxer) -> Result<Self, ReadError> {
        let (decoder, crop) = (demuxer.video_decoder()?, demuxer.crop()?);
        Ok(Self { demuxer, decoder, crop, damage: Damage::default() })
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
        let (gap, lacks_data) = (self.demuxer.reported().is_some(), self.demuxer.lacks_data(packet));
        self.damage.packet(packet, gap, lacks_data);
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
        let damaged = self.damage.frame(&frame);
        self.crop.apply(&mut frame);
        Some(Decoded { frame, damaged, ns: None })
    }

    /// Forgets what the decoder has seen.
    pub(crate) fn flush(&mut self) {
        self.decoder.flush();
        self.damage = Damage::default();
    }
}
