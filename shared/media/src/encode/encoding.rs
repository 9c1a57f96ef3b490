//! Which codec and which container.
use crate::{Item, ItemKind, PixelFormat};
use ffmpeg_next::{codec::Id, ffi};
use std::path::Path;

/// What made frames are written as.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As the source is. Videos: its codec where it is one of these, else FFV1 for lossless sources, ProRes for sources with
    /// alpha, H.265 above 8 bits and H.264 otherwise; its container if that is MP4, MOV or Matroska and carries the codec
    /// and the sound, else MOV or Matroska. Images: the format of each.
    #[default]
    Auto,
    /// H.264 by x264, 4:2:0 (4:4:4 when a side is odd), 8 or 10 bits as the source.
    H264,
    /// H.265 by x265, 4:2:0 (4:4:4 when a side is odd), 8, 10 or 12 bits as the source.
    H265,
    /// ProRes 422 HQ, 10 bits; ProRes 4444 for frames with alpha.
    Prores,
    /// DNxHR HQ at 8 bits, HQX (10 bits) above; at least 256 × 120.
    Dnxhr,
    /// FFV1 version 3 in RGB or grey: lossless, 8 or 16 bits as the frames.
    Ffv1,
    /// One PNG file per frame, 8 or 16 bits as the frames.
    Png,
    /// One TIFF file per frame, 8 or 16 bits as the frames.
    Tiff,
}

/// A video codec that frames are encoded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264.
    H264,
    /// H.265.
    H265,
    /// ProRes.
    Prores,
    /// DNxHR.
    Dnxhr,
    /// FFV1.
    Ffv1,
}

/// A file format that carries encoded video with everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// MP4.
    Mp4,
    /// QuickTime.
    Mov,
    /// Matroska.
    Mkv,
}

impl Encoding {
    /// The codec that frames of an item are encoded by; `None` when every frame is a file.
    pub fn codec(self, item: &Item) -> Option<Codec> {
        match self {
            Self::Png | Self::Tiff => None,
            _ if item.kind() == ItemKind::Stills => None,
            Self::Auto if item.kind() != ItemKind::Video => None,
            Self::Auto => Some(Codec::of_source(item)),
            Self::H264 => Some(Codec::H264),
            Self::H265 => Some(Codec::H265),
            Self::Prores => Some(Codec::Prores),
            Self::Dnxhr => Some(Codec::Dnxhr),
            Self::Ffv1 => Some(Codec::Ffv1),
        }
    }
}

impl Codec {
    /// The codec that suits a source best.
    fn of_source(item: &Item) -> Self {
        match item.codec.as_str() {
            "ffv1" | "ffvhuff" | "huffyuv" | "utvideo" | "rawvideo" | "v210" | "qtrle" | "png" | "tiff" => Self::Ffv1,
            "prores" => Self::Prores,
            _ if item.alpha => Self::Prores,
            "h264" if item.bit_depth <= 10 => Self::H264,
            "hevc" => Self::H265,
            "dnxhd" => Self::Dnxhr,
            _ if item.bit_depth > 8 => Self::H265,
            _ => Self::H264,
        }
    }

    /// FFmpeg's name of the encoder.
    pub(super) fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::H265 => "libx265",
            Self::Prores => "prores_ks",
            Self::Dnxhr => "dnxhd",
            Self::Ffv1 => "ffv1",
        }
    }

    /// FFmpeg's id.
    fn id(self) -> Id {
        match self {
            Self::H264 => Id::H264,
            Self::H265 => Id::HEVC,
            Self::Prores => Id::PRORES,
            Self::Dnxhr => Id::DNXHD,
            Self::Ffv1 => Id::FFV1,
        }
    }

    /// Most frames that a frame may be decoded ahead of others that are shown before it: two where there are B-frames that
    /// refer to B-frames, which is how both encoders are used.
    pub(super) fn reorder_delay(self) -> usize {
        match self {
            Self::H264 | Self::H265 => 2,
            _ => 0,
        }
    }

    /// Four-character code in QuickTime files, where FFmpeg's own choice would be a lesser one; 0 = its choice.
    pub(super) fn tag(self, format: PixelFormat) -> u32 {
        let alpha = matches!(format, PixelFormat::Rgba8 | PixelFormat::Rgba16);
        match self {
            Self::H265 => u32::from_le_bytes(*b"hvc1"),
            Self::Prores if alpha => u32::from_le_bytes(*b"ap4h"),
            Self::Prores => u32::from_le_bytes(*b"apch"),
            _ => 0,
        }
    }
}

impl Container {
    /// The container for video of this codec with the other streams of `source` (none when `None` or unreadable): the
    /// source's own if its name says one of ours and it carries codec and sound, else MOV, else Matroska. FFV1 lies in
    /// Matroska always.
    pub fn choose(codec: Codec, source: Option<&Path>) -> Self {
        let sound = source.map(sound_codecs).unwrap_or_default();
        let own = source.and_then(Self::of_name);
        let carries = |container: &Self| {
            let codec_fits = codec != Codec::Ffv1 || *container == Self::Mkv;
            codec_fits && container.carries(codec.id()) && sound.iter().all(|id| container.carries(*id))
        };
        own.into_iter().chain([Self::Mov]).find(carries).unwrap_or(Self::Mkv)
    }

    /// File name extension without dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "mkv",
        }
    }

    /// FFmpeg's name of the muxer.
    pub(super) fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "matroska",
        }
    }

    /// Whether streams of a codec may lie in it.
    pub(super) fn carries(self, id: Id) -> bool {
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

    fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" => Some(Self::Mp4),
            "mov" | "qt" => Some(Self::Mov),
            "mkv" => Some(Self::Mkv),
            _ => None,
        }
    }
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
