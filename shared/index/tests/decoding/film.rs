//! Reads footage through the public functions, as ingest does.
use framefleet_decode::{Canvas, Decoders, Deinterlace, Slot};
use framefleet_frames::{BatchInfo, FrameFailure, IndexRequest, Item, Rendition};
use framefleet_index::index;
use framefleet_probe::{ImageFolders, probe};
use std::path::Path;

/// An item with its batches.
pub struct Film {
    pub item: Item,
    pub batches: Vec<BatchInfo>,
    pub damage: Option<String>,
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub slot: Slot,
    pub pixels: Vec<u8>,
}

struct Pictures(Vec<Vec<u8>>);

impl Canvas for Pictures {
    fn memory(&mut self, slot: usize) -> &mut [u8] {
        &mut self.0[slot]
    }
}

impl Film {
    /// The one item of a source, in batches of 8.
    pub fn open(path: &Path) -> Self {
        Self::open_with(path, Deinterlace::Off, 8)
    }

    pub fn open_with(path: &Path, deinterlace: Deinterlace, batch_frames: u64) -> Self {
        let probed = probe(path.to_str().unwrap(), ImageFolders::Auto).unwrap();
        assert_eq!(probed.refused, [], "{}", path.display());
        Self::of(&probed.items[0], deinterlace, batch_frames)
    }

    /// An item that was probed.
    pub fn of(item: &Item, deinterlace: Deinterlace, batch_frames: u64) -> Self {
        let mut batches = Vec::new();
        let (item, damage) = index(item, IndexRequest::fresh(batch_frames), deinterlace, &mut |more| {
            batches.extend(more);
            true
        })
        .unwrap();
        Self { item, batches, damage }
    }

    pub fn pts_ns(&self) -> Vec<i64> {
        self.batches.iter().flat_map(|batch| batch.pts_ns.clone()).collect()
    }

    /// All frames of a batch in a rendition.
    pub fn batch(
        &self,
        decoders: &Decoders,
        batch: &BatchInfo,
        rendition: Rendition,
    ) -> (Vec<Shown>, Vec<FrameFailure>) {
        let frames: Vec<u64> = (batch.start..batch.start + batch.pts_ns.len() as u64).collect();
        self.frames(decoders, batch, &frames, rendition)
    }

    pub fn frames(
        &self,
        decoders: &Decoders,
        batch: &BatchInfo,
        frames: &[u64],
        rendition: Rendition,
    ) -> (Vec<Shown>, Vec<FrameFailure>) {
        let (proxy, full): (&[u64], &[u64]) = if rendition == Rendition::Proxy { (frames, &[]) } else { (&[], frames) };
        let (slots, mut failures) = decoders.slots(&self.item, batch, proxy, full).unwrap();
        let mut pictures = Pictures(slots.iter().map(|slot| vec![0; slot.bytes()]).collect());
        failures.extend(decoders.decode(&self.item, batch, &slots, &mut pictures).unwrap());
        let shown = slots.into_iter().zip(pictures.0).map(|(slot, pixels)| Shown { slot, pixels });
        (shown.filter(|shown| failures.iter().all(|failure| failure.frame != shown.slot.frame)).collect(), failures)
    }

    /// Every frame in full, batch by batch; all must come out.
    pub fn all(&self, decoders: &Decoders) -> Vec<Shown> {
        let mut all = Vec::new();
        for batch in &self.batches {
            let (shown, failures) = self.batch(decoders, batch, Rendition::Full);
            assert_eq!(failures, []);
            all.extend(shown);
        }
        all
    }
}

/// Decoders that leave interlaced video as it is.
pub fn decoders() -> Decoders {
    Decoders::new(Deinterlace::Off, 4)
}

/// Mean of each channel (8 or 16 bits) over the middle half of a picture, on a scale of 255.
pub fn mean(shown: &Shown) -> Vec<f64> {
    use framefleet_frames::frame::{channel_bytes, channels};
    let (count, bytes) = (channels(shown.slot.format), channel_bytes(shown.slot.format));
    let (width, height) = (shown.slot.width as usize, shown.slot.height as usize);
    let mut sums = vec![0.0; count];
    let mut pixels = 0.0;
    for y in height / 4..height * 3 / 4 {
        for x in width / 4..width * 3 / 4 {
            pixels += 1.0;
            for (channel, sum) in sums.iter_mut().enumerate() {
                let at = ((y * width + x) * count + channel) * bytes;
                *sum += match bytes {
                    2 => f64::from(u16::from_le_bytes([shown.pixels[at], shown.pixels[at + 1]])) / 257.0,
                    _ => f64::from(shown.pixels[at]),
                };
            }
        }
    }
    sums.iter().map(|sum| sum / pixels).collect()
}
