//! A batch as the orchestrator remembers it: one of them for every second of a job, so it is kept small. Times of a constant rate are two
//! numbers, and images stay encoded until somebody asks for them.
use framefleet_frames::times::Times;
use framefleet_frames::{BatchInfo, FrameRange, ImageFile};
use prost::Message as _;

/// A batch of an item on the grid.
#[derive(Clone, Debug)]
pub struct Batch {
    start: u64,
    times: Times,
    digest: Box<[u8]>,
    seekable: bool,
    from_start: bool,
    position: u64,
    /// Of sequences and stills, as far as any is there.
    images: Option<Box<Images>>,
}

/// The images of a batch.
#[derive(Clone, Debug)]
struct Images {
    /// A bit for each frame of the batch that has one.
    there: Box<[u64]>,
    /// A `BatchInfo` with nothing but files.
    encoded: Box<[u8]>,
}

impl Batch {
    /// A batch with its times, which may not be its own where it was kept without them.
    pub fn new(info: BatchInfo, times: Times) -> Self {
        let BatchInfo { start, digest, seekable, from_start, position, files, .. } = info;
        let images = (!files.is_empty()).then(|| Box::new(Images::new(start, times.len(), files)));
        Self { start, times, digest: digest.as_ref().into(), seekable, from_start, position, images }
    }

    /// Its frames.
    pub fn range(&self) -> FrameRange {
        FrameRange { start: self.start, end: self.start + self.times.len() as u64 }
    }

    /// Times of its frames.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// Digest of all that decoding it reads.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Whether decoding can start here at little cost.
    pub fn seekable(&self) -> bool {
        self.seekable
    }

    /// Whether it has an image for a frame.
    pub fn has_image(&self, frame: u64) -> bool {
        let bit = usize::try_from(frame.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        let word = self.images.as_ref().and_then(|images| images.there.get(bit / 64));
        word.is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Its images, ascending by frame.
    pub fn images(&self) -> Vec<ImageFile> {
        let decoded = self.images.as_ref().map(|images| BatchInfo::decode(images.encoded.as_ref()));
        // They were encoded here.
        decoded.and_then(Result::ok).unwrap_or_default().files
    }

    /// The batch as a task carries it: without images, which are the item's there.
    pub fn info(&self) -> BatchInfo {
        BatchInfo {
            start: self.start,
            pts_ns: self.times.iter().collect(),
            digest: self.digest.to_vec().into(),
            seekable: self.seekable,
            from_start: self.from_start,
            position: self.position,
            files: Vec::new(),
        }
    }
}

impl From<BatchInfo> for Batch {
    fn from(info: BatchInfo) -> Self {
        let times = Times::new(&info.pts_ns);
        Self::new(info, times)
    }
}

impl Images {
    fn new(start: u64, frames: usize, files: Vec<ImageFile>) -> Self {
        let mut there = vec![0; frames.div_ceil(64)];
        for file in &files {
            let bit = usize::try_from(file.frame.wrapping_sub(start)).unwrap_or(usize::MAX);
            if let Some(word) = there.get_mut(bit / 64) {
                *word |= 1_u64 << (bit % 64);
            }
        }
        let encoded = BatchInfo { files, ..BatchInfo::default() }.encode_to_vec();
        Self { there: there.into(), encoded: encoded.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_says_what_it_was_made_of() {
        let file = |frame| ImageFile { frame, name: format!("{frame}.png"), ..ImageFile::default() };
        let info = BatchInfo {
            start: 64,
            pts_ns: (64..164).map(|frame| frame * 40_000_000).collect(),
            digest: vec![7; 32].into(),
            seekable: true,
            from_start: true,
            position: 4321,
            files: [64, 127, 128, 163].map(file).to_vec(),
        };
        let batch = Batch::from(info.clone());
        assert_eq!((batch.range(), batch.images()), (FrameRange { start: 64, end: 164 }, info.files.clone()));
        let there: Vec<u64> = (0..300).filter(|frame| batch.has_image(*frame)).collect();
        assert_eq!(there, [64, 127, 128, 163]);
        assert_eq!(batch.info(), BatchInfo { files: Vec::new(), ..info });
        assert!(Batch::from(BatchInfo::default()).images().is_empty());
    }
}
