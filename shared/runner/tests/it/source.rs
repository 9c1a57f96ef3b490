//! A source of black frames of one pixel.
use framefleet_frames::{BatchInfo, FrameFailure, Item, ItemKind, PixelFormat, Rendition};
use framefleet_stage::{IndexRequest, IngestRequest, Ingested, PixelSink, Probe, SourceStage, StageError};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a frame.
const FRAME: usize = 3;

#[derive(Default)]
pub struct FakeSource {
    /// How often items were indexed.
    pub indexed: AtomicUsize,
}

/// An item of so many frames. What its name says of ingest happens: `unreadable`, `crashing`.
pub fn item(name: &str, frames: u64) -> Item {
    Item {
        name: name.to_owned(),
        location: format!("/nowhere/{name}"),
        kind: ItemKind::Video as i32,
        width: 1,
        height: 1,
        estimated_frames: frames,
        ..Item::default()
    }
}

impl SourceStage for FakeSource {
    fn index(
        &self,
        item: &Item,
        request: IndexRequest,
        found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
    ) -> Result<(Item, Option<String>), StageError> {
        self.indexed.fetch_add(1, Ordering::Relaxed);
        for start in (0..item.estimated_frames).step_by(request.batch_frames as usize) {
            let end = (start + request.batch_frames).min(item.estimated_frames);
            let batch =
                BatchInfo { start, pts_ns: (start..end).map(|frame| frame as i64).collect(), ..BatchInfo::default() };
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
        match item.name.as_str() {
            "unreadable" => return Err(StageError::bad_input("no frames in here")),
            "crashing" => panic!("index out of bounds"),
            _ => {}
        }
        sink.reserve(Rendition::Proxy, request.proxy.len() * FRAME)?;
        let ingested = |(place, &frame): (usize, &u64)| Ingested {
            rendition: Rendition::Proxy,
            frame,
            pts_ns: frame as i64,
            format: PixelFormat::Rgb8,
            width: 1,
            height: 1,
            offset: place * FRAME,
        };
        Ok((request.proxy.iter().enumerate().map(ingested).collect(), Vec::new()))
    }

    fn probe(&self, _: &str) -> Result<Probe, StageError> {
        Ok(Probe::default())
    }
}
