//! The formats there are.
use crate::ExportError;
use framefleet_masks::MaskProduct;
use std::str::FromStr;

/// What results are exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A data set of people and things.
    Dataset(Layout),
    /// The footage with what was found drawn into it.
    Overlay,
    /// Pictures that show masks.
    MaskProduct(MaskProduct),
}

/// How a data set is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// COCO instances and person keypoints in one file.
    Coco,
    /// Ultralytics' YOLO.
    Yolo,
    /// CVAT for video 1.1.
    CvatVideo,
    /// CVAT for images 1.1.
    CvatImages,
    /// MOTChallenge.
    Mot,
    /// Pascal VOC.
    Voc,
    /// Tar shards.
    Webdataset,
    /// Folders of pictures with captions, for training LoRA by sd-scripts.
    Kohya,
    /// A flat table as Parquet.
    Parquet,
    /// A flat table as CSV.
    Csv,
}

impl Layout {
    const ALL: [Self; 10] = [
        Self::Coco,
        Self::Yolo,
        Self::CvatVideo,
        Self::CvatImages,
        Self::Mot,
        Self::Voc,
        Self::Webdataset,
        Self::Kohya,
        Self::Parquet,
        Self::Csv,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Coco => "coco",
            Self::Yolo => "yolo",
            Self::CvatVideo => "cvat-video",
            Self::CvatImages => "cvat-images",
            Self::Mot => "mot",
            Self::Voc => "voc",
            Self::Webdataset => "webdataset",
            Self::Kohya => "kohya",
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Coco => {
                "annotations/instances_default.json: an annotation per person with box, mask, keypoints, track, identity"
            }
            Self::Yolo => "images/, labels/ and data.yaml, as Ultralytics reads them: boxes, outlines or poses",
            Self::CvatVideo => "<item>.xml: tracks for CVAT",
            Self::CvatImages => "annotations.xml: boxes and masks for CVAT",
            Self::Mot => "<item>/gt/gt.txt, labels.txt and seqinfo.ini: boxes of tracks, MOTChallenge",
            Self::Voc => "Annotations/, JPEGImages/ and ImageSets/: boxes, Pascal VOC",
            Self::Webdataset => "shard-000000.tar …: pictures, JSON and masks, resumable",
            Self::Kohya => "<repeats>_<name>/ with pictures and captions, and dataset.toml",
            Self::Parquet => "objects.parquet: a row per person and frame",
            Self::Csv => "objects.csv: a row per person and frame",
        }
    }

    /// Whether one person must not come twice in it: without subjects, it has one kind of results.
    pub(crate) fn has_one_kind(self) -> bool {
        !matches!(self, Self::Coco | Self::Parquet | Self::Csv)
    }

    /// Whether it divides pictures, which needs a survey of all of them first.
    pub(crate) fn has_splits(self) -> bool {
        matches!(self, Self::Yolo | Self::Voc)
    }
}

impl Format {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let products = [
            MaskProduct::Cutouts,
            MaskProduct::Context,
            MaskProduct::Blurred,
            MaskProduct::Masks,
            MaskProduct::Backgrounds,
        ];
        Layout::ALL.into_iter().map(Self::Dataset).chain([Self::Overlay]).chain(products.map(Self::MaskProduct))
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dataset(layout) => layout.name(),
            Self::Overlay => "overlay",
            Self::MaskProduct(product) => product.name(),
        }
    }

    /// What it writes, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Dataset(layout) => layout.about(),
            Self::Overlay => "the footage with what was found drawn into it: videos as H.264 in MP4, images as PNG",
            Self::MaskProduct(product) => product.about(),
        }
    }

    /// Kinds that it shows: a step must make one of them. Where no step is named, those that make the first go first.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Dataset(_) => &["subject", "pose", "mask", "face"],
            Self::Overlay => &["pose", "mask", "subject", "face"],
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
        Self::all().find(|format| format.name() == name).ok_or_else(|| ExportError::UnknownFormat {
            name: name.to_owned(),
            known: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        for format in Format::all() {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
        }
        let problem = "coco-keypoints".parse::<Format>().unwrap_err().to_string();
        assert!(problem.contains("coco") && problem.contains("cutouts"), "{problem}");
    }
}
