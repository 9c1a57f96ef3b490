//! What FFmpeg calls codecs and containers, and what it knows of them.
use super::JoinSound;
use ffmpeg_next::{codec::Id, ffi};
use framefleet_formats::{Codec, Container};
use framefleet_frames::PixelFormat;
use std::path::Path;

/// A codec, for FFmpeg.
pub(crate) trait FfmpegCodec {
    /// FFmpeg's name of the encoder.
    fn encoder(self) -> &'static str;
    /// FFmpeg's id.
    fn id(self) -> Id;
    /// Most frames that a frame may be decoded ahead of others that are shown before it: two where there are B-frames that
    /// refer to B-frames, which is how both encoders are used.
    fn reorder_delay(self) -> usize;
    /// Four-character code in QuickTime files, where FFmpeg's own choice would be a lesser one; 0 = its choice.
    fn tag(self, format: PixelFormat) -> u32;
}

/// A container, for FFmpeg.
pub(crate) trait FfmpegContainer {
    /// FFmpeg's name of the muxer.
    fn muxer(self) -> &'static str;
    /// Whether streams of a codec may lie in it.
    fn carries(self, id: Id) -> bool;
}

impl FfmpegCodec for Codec {
    fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::H265 => "libx265",
            Self::Prores => "prores_ks",
            Self::Dnxhr => "dnxhd",
            Self::Ffv1 => "ffv1",
        }
    }

    fn id(self) -> Id {
        match self {
            Self::H264 => Id::H264,
            Self::H265 => Id::HEVC,
            Self::Prores => Id::PRORES,
            Self::Dnxhr => Id::DNXHD,
            Self::Ffv1 => Id::FFV1,
        }
    }

    fn reorder_delay(self) -> usize {
        match self {
            Self::H264 | Self::H265 => 2,
            _ => 0,
        }
    }

    fn tag(self, format: PixelFormat) -> u32 {
        let alpha = matches!(format, PixelFormat::Rgba8 | PixelFormat::Rgba16);
        match self {
            Self::H265 => u32::from_le_bytes(*b"hvc1"),
            Self::Prores if alpha => u32::from_le_bytes(*b"ap4h"),
            Self::Prores => u32::from_le_bytes(*b"apch"),
            _ => 0,
        }
    }
}

impl FfmpegContainer for Container {
    fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "matroska",
        }
    }

    fn carries(self, id: Id) -> bool {
        // FFmpeg's table says otherwise of these; its muxers refuse them when the header is written.
        match (self, id) {
            (Self::Mov, Id::OPUS) | (Self::Mov | Self::Mp4, Id::FLAC | Id::TRUEHD) => return false,
            _ => {}
        }
        // Matroska carries what AVI and WMV do, in their way (A_MS/ACM); FFmpeg's table leaves that out.
        if self == Self::Mkv && has_riff_tag(id) {
            return true;
        }
        let Ok(name) = std::ffi::CString::new(self.muxer()) else { return false };
        // SAFETY: the name outlives the call; the muxer found is static or null.
        let answer = unsafe {
            let muxer = ffi::av_guess_format(name.as_ptr(), std::ptr::null(), std::ptr::null());
            if muxer.is_null() { 0 } else { ffi::avformat_query_codec(muxer, id.into(), ffi::FF_COMPLIANCE_NORMAL) }
        };
        answer == 1
    }
}

/// The container for video of this codec with the other streams of `source` (none when `None` or unreadable): the
/// source's own if its name says one of ours and it carries codec and sound, else MOV, else Matroska. FFV1 lies in
/// Matroska always. Sound that need not come along as it is decides nothing.
pub fn choose_container(codec: Codec, source: Option<&Path>, sound: JoinSound) -> Container {
    let sound = source.filter(|_| sound == JoinSound::Copy).map(sound_codecs).unwrap_or_default();
    let own = source.and_then(Container::of_name);
    let carries = |container: &Container| {
        let codec_fits = codec != Codec::Ffv1 || *container == Container::Mkv;
        codec_fits && container.carries(codec.id()) && sound.iter().all(|id| container.carries(*id))
    };
    own.into_iter().chain([Container::Mov]).find(carries).unwrap_or(Container::Mkv)
}

/// Whether sound of a codec has a number in RIFF files.
fn has_riff_tag(id: Id) -> bool {
    let mut tag = 0;
    // SAFETY: the table is static, and the list ends with null.
    unsafe {
        let tables = [ffi::avformat_get_riff_audio_tags(), std::ptr::null()];
        ffi::av_codec_get_tag2(tables.as_ptr(), id.into(), &mut tag) > 0
    }
}

/// Codecs of a file's audio streams; none when it cannot be read (the join says so).
fn sound_codecs(path: &Path) -> Vec<Id> {
    let Ok(input) = ffmpeg_next::format::input(path) else { return Vec::new() };
    let parameters = input.streams().map(|stream| stream.parameters());
    parameters.filter(|p| p.medium() == ffmpeg_next::media::Type::Audio).map(|p| p.id()).collect()
}
