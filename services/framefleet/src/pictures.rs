//! Full frames of the source, for exports that show them.
use framefleet_export::Pictures;
use framefleet_media::{BatchInfo, Frame, Image, Item, Rendition};
use framefleet_stage::{IngestRequest, Ingested, PixelSink, SourceStage, StageError};
use ingest::Ingest;
use std::collections::BTreeMap;

/// Decodes whole batches, and keeps the latest.
pub struct SourcePictures {
    source: Ingest,
    batches: BTreeMap<String, Vec<BatchInfo>>,
    /// The item whose batch is kept.
    item: String,
    sink: HeapSink,
    found: Vec<Ingested>,
    /// First frame of the batch and the one after its last.
    range: std::ops::Range<u64>,
}

impl SourcePictures {
    /// Pictures of items whose batches are known.
    pub fn new(source: Ingest, batches: BTreeMap<String, Vec<BatchInfo>>) -> Self {
        let (item, sink, found, range) = (String::new(), HeapSink::default(), Vec::new(), 0..0);
        Self { source, batches, item, sink, found, range }
    }

    fn decode(&mut self, item: &Item, frame: u64) -> Result<(), String> {
        let range = |batch: &BatchInfo| batch.start..batch.start + batch.pts_ns.len() as u64;
        let batches = self.batches.get(&item.name).map_or(&[][..], Vec::as_slice);
        let batch = batches.iter().find(|batch| range(batch).contains(&frame));
        let batch = batch.ok_or_else(|| "the output does not say where it begins".to_owned())?;
        let request = IngestRequest { full: range(batch).collect(), proxy: Vec::new(), batch: batch.clone() };
        let (found, _) = self.source.ingest(item, &request, &mut self.sink).map_err(|error| error.to_string())?;
        (self.range, self.found, self.item) = (range(batch), found, item.name.clone());
        Ok(())
    }
}

impl Pictures for SourcePictures {
    fn picture(&mut self, item: &Item, frame: u64) -> Result<Option<Frame>, String> {
        if self.item != item.name || !self.range.contains(&frame) {
            self.decode(item, frame)?;
        }
        let Some(found) = self.found.iter().find(|found| found.frame == frame) else { return Ok(None) };
        let length = framefleet_media::frame::byte_length(found.format, found.width, found.height);
        let Some(bytes) = self.sink.0.get(found.offset..found.offset + length) else { return Ok(None) };
        let image = Image::new(found.format, found.width, found.height, bytes.to_vec());
        Ok(image.ok().map(|image| Frame { number: frame, pts_ns: found.pts_ns, image }))
    }
}

/// Frames of one batch on the heap.
#[derive(Default)]
struct HeapSink(Vec<u8>);

impl PixelSink for HeapSink {
    fn reserve(&mut self, _rendition: Rendition, bytes: usize) -> Result<(), StageError> {
        self.0 = vec![0; bytes];
        Ok(())
    }

    fn memory(&mut self, _rendition: Rendition) -> &mut [u8] {
        &mut self.0
    }
}
