//! How a source is read.
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

/// How a source is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether images of a folder follow one another.
    pub folders: ImageFolders,
    /// Frames per second of sequences; 25 where it is not set.
    pub rate: Option<Rational>,
    /// Which video stream of every video is read, by number from 0 (covers are not counted); the file's default one where it is not set.
    pub video_stream: Option<u32>,
}
