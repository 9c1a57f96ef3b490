//! The formats there are.
use crate::ExportError;
use framefleet_vision::mask_products::MaskProduct;
use std::str::FromStr;

/// What results are exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One COCO file of persons with 17 keypoints, scores and track ids.
    CocoKeypoints,
    /// Boxes of tracks as text, as the Multiple Object Tracking benchmarks have them.
    Mot,
    /// The footage with what was found drawn into it.
    Overlay,
    /// Pictures that show masks.
    MaskProduct(MaskProduct),
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CocoKeypoints,
        Self::Mot,
        Self::Overlay,
        Self::MaskProduct(MaskProduct::Cutouts),
        Self::MaskProduct(MaskProduct::Context),
        Self::MaskProduct(MaskProduct::Blurred),
        Self::MaskProduct(MaskProduct::Masks),
        Self::MaskProduct(MaskProduct::Backgrounds),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::CocoKeypoints => "coco-keypoints",
            Self::Mot => "mot",
            Self::Overlay => "overlay",
            Self::MaskProduct(product) => product.name(),
        }
    }

    /// What it writes, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::CocoKeypoints => "coco-keypoints.json: persons with 17 keypoints, scores and track ids",
            Self::Mot => "<item>.txt and <item>/seqinfo.ini: boxes of tracks, MOTChallenge text",
            Self::Overlay => "the footage with what was found drawn into it: videos as H.264 in MP4, images as PNG",
            Self::MaskProduct(product) => product.about(),
        }
    }

    /// Kinds that it shows: a step must make one of them. Where no step is named, those that make the first go first.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::CocoKeypoints | Self::Mot => &["pose"],
            Self::Overlay => &["pose", "mask"],
            Self::MaskProduct(_) => &["mask"],
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = ExportError;

    fn from_str(name: &str) -> Result<Self, ExportError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| ExportError::UnknownFormat {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
        }
        let problem = "coco".parse::<Format>().unwrap_err().to_string();
        assert!(problem.contains("coco-keypoints"), "{problem}");
    }
}
