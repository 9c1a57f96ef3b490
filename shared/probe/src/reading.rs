//! How images are read.
use framefleet_frames::Rational;

/// Whether the images of a folder are frames that follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ImageFolders {
    /// A sequence where names carry numbers after a common stem, with few gaps, all have one size, and what neighbours show, when they were
    /// taken and by which camera speaks of one film; else stills.
    #[default]
    Auto,
    /// Always a sequence.
    Sequence,
    /// Always stills.
    Stills,
}

/// How images are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageReading {
    /// Whether those of a folder follow one another.
    pub folders: ImageFolders,
    /// Frames per second of sequences; 25 where it is not set.
    pub rate: Option<Rational>,
}
