//! Formats of image files.
use std::path::Path;

/// Formats of image files that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StillFormat {
    /// PNG, 8 or 16 bits, with or without alpha.
    Png,
    /// TIFF without compression, 8 or 16 bits, with or without alpha.
    Tiff,
    /// JPEG of quality 95: 8 bits, without alpha.
    Jpeg,
    /// WebP without loss, 8 bits.
    Webp,
}

impl StillFormat {
    /// The format that a file's name says; PNG for those that are not written.
    pub fn of_name(name: &str) -> Self {
        let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "tif" | "tiff" => Self::Tiff,
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::Webp,
            _ => Self::Png,
        }
    }

    /// The usual file name extension, without dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Tiff => "tiff",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}
