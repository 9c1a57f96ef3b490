//! Which codec and which container.
use framefleet_frames::{Item, ItemKind, MadeFrames, made};
use std::path::Path;

/// What made frames are written as.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As the source is. Videos: its codec where it is one of these, else FFV1 for lossless sources, ProRes for sources with
    /// alpha (or frames that get it), H.265 above 8 bits and H.264 otherwise; its container if that is MP4, MOV or Matroska and carries the codec
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
    /// The codec that frames of an item are encoded by, once rules of makers were applied to them; `None` when every frame is a file.
    pub fn codec(self, item: &Item, makers: &[MadeFrames]) -> Option<Codec> {
        match self {
            Self::Png | Self::Tiff => None,
            _ if item.kind() == ItemKind::Stills => None,
            Self::Auto if item.kind() != ItemKind::Video => None,
            Self::Auto => Some(Codec::of_source(item, item.alpha || made::adds_alpha(makers))),
            Self::H264 => Some(Codec::H264),
            Self::H265 => Some(Codec::H265),
            Self::Prores => Some(Codec::Prores),
            Self::Dnxhr => Some(Codec::Dnxhr),
            Self::Ffv1 => Some(Codec::Ffv1),
        }
    }

    /// Whether alpha of the frames is kept, whatever the source.
    pub fn keeps_alpha(self) -> bool {
        !matches!(self, Self::H264 | Self::H265 | Self::Dnxhr)
    }
}

impl Codec {
    /// The codec that suits frames of a source best, which have alpha or not.
    fn of_source(item: &Item, alpha: bool) -> Self {
        match item.codec.as_str() {
            "ffv1" | "ffvhuff" | "huffyuv" | "utvideo" | "rawvideo" | "v210" | "qtrle" | "png" | "tiff" => Self::Ffv1,
            "prores" => Self::Prores,
            _ if alpha => Self::Prores,
            "h264" if item.bit_depth <= 10 => Self::H264,
            "hevc" => Self::H265,
            "dnxhd" => Self::Dnxhr,
            _ if item.bit_depth > 8 => Self::H265,
            _ => Self::H264,
        }
    }
}

impl Container {
    /// File name extension without dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "mkv",
        }
    }

    /// The container that a file's name says, if it is one of these.
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" => Some(Self::Mp4),
            "mov" | "qt" => Some(Self::Mov),
            "mkv" => Some(Self::Mkv),
            _ => None,
        }
    }
}
