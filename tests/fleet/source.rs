//! Footage without a decoder: every frame is of one grey, which its number says.
use framefleet_frames::frame::byte_length;
use framefleet_frames::{BatchInfo, FrameFailure, Item, ItemKind, PixelFormat, Rational, Rendition};
use framefleet_stage::{IndexRequest, IngestRequest, Ingested, PixelSink, Probe, SourceStage, StageError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Width and height of all frames.
pub const SIZE: (u32, u32) = (16, 8);
/// Nanoseconds of a frame.
pub const FRAME_NS: i64 = 40_000_000;

/// Items of so many frames; some frames cannot be decoded.
#[derive(Clone)]
pub struct SyntheticSource {
    pub items: Vec<Item>,
    /// Frames that cannot be decoded, in every item.
    pub broken: Vec<u64>,
    /// Frames decoded so far, halos included.
    pub decoded: Arc<AtomicU64>,
}

impl SyntheticSource {
    pub fn of(frames: &[u64]) -> Self {
        let items =
            frames.iter().enumerate().map(|(number, frames)| item(&format!("item{number}.mp4"), *frames)).collect();
        Self { items, broken: Vec::new(), decoded: Arc::default() }
    }
}

pub fn item(name: &str, frames: u64) -> Item {
    Item {
        name: name.to_owned(),
        location: format!("/nowhere/{name}"),
        kind: ItemKind::Video as i32,
        width: SIZE.0,
        height: SIZE.1,
        bit_depth: 8,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        time_base: Some(Rational { num: 1, den: 25 }),
        estimated_frames: frames,
        ..Item::default()
    }
}

/// The grey of a frame.
pub fn grey(item: &str, frame: u64) -> u8 {
    let seed = item.bytes().fold(17u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    ((frame.wrapping_mul(2654435761).wrapping_add(seed) >> 7) % 200) as u8
}

impl SourceStage for SyntheticSource {
    fn index(
        &self,
        item: &Item,
        request: IndexRequest,
        found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
    ) -> Result<(Item, Option<String>), StageError> {
        let batch_frames = request.batch_frames;
        for start in (0..item.estimated_frames).step_by(batch_frames as usize) {
            let end = (start + batch_frames).min(item.estimated_frames);
            let digest: Vec<u8> = format!("{} {start}..{end}", item.name).into_bytes();
            let batch = BatchInfo {
                start,
                pts_ns: (start..end).map(|frame| frame as i64 * FRAME_NS).collect(),
                digest: digest.into(),
                seekable: start % (4 * batch_frames) == 0,
                ..BatchInfo::default()
            };
            if !found(vec![batch]) {
                break;
            }
        }
        Ok((item.clone(), None))
    }

    fn ingest(
        &self,
        item: &Item,
        request: &IngestRequest,
        sink: &mut dyn PixelSink,
    ) -> Result<(Vec<Ingested>, Vec<FrameFailure>), StageError> {
        let length = byte_length(PixelFormat::Rgb8, SIZE.0, SIZE.1);
        let mut frames = Vec::new();
        let mut failures = Vec::new();
        for (rendition, wanted) in [(Rendition::Proxy, &request.proxy), (Rendition::Full, &request.full)] {
            if wanted.is_empty() {
                continue;
            }
            sink.reserve(rendition, wanted.len() * length)?;
            for (place, &frame) in wanted.iter().enumerate() {
                self.decoded.fetch_add(1, Ordering::Relaxed);
                if self.broken.contains(&frame) {
                    failures.push(FrameFailure {
                        frame,
                        code: "decode".to_owned(),
                        reason: "broken on purpose".to_owned(),
                    });
                    continue;
                }
                let offset = place * length;
                sink.memory(rendition)[offset..offset + length].fill(grey(&item.name, frame));
                frames.push(Ingested {
                    rendition,
                    frame,
                    pts_ns: frame as i64 * FRAME_NS,
                    format: PixelFormat::Rgb8,
                    width: SIZE.0,
                    height: SIZE.1,
                    offset,
                });
            }
        }
        failures.sort_by_key(|failure| failure.frame);
        failures.dedup_by_key(|failure| failure.frame);
        Ok((frames, failures))
    }

    fn probe(&self, _source: &str) -> Result<Probe, StageError> {
        Ok(Probe { items: self.items.clone(), ..Probe::default() })
    }
}
