//! Full frames of the source, for exports that show them.
use framefleet_export::Pictures;
use framefleet_media::{BatchInfo, Frame, Item, Rendition, item};
use framefleet_stage::{HeapSink, IngestRequest, SourceStage};
use ingest::Ingest;
use std::collections::BTreeMap;

/// Decodes whole batches, and keeps the latest.
pub struct SourcePictures {
    source: Ingest,
    batches: BTreeMap<String, Vec<BatchInfo>>,
    /// The item whose batch is kept.
    item: String,
    frames: Vec<Frame>,
    /// First frame of the batch and the one after its last.
    range: std::ops::Range<u64>,
}

impl SourcePictures {
    /// Pictures of items whose batches are known.
    pub fn new(source: Ingest, batches: BTreeMap<String, Vec<BatchInfo>>) -> Self {
        Self { source, batches, item: String::new(), frames: Vec::new(), range: 0..0 }
    }

    fn decode(&mut self, item: &Item, frame: u64) -> Result<(), String> {
        let range = |batch: &BatchInfo| batch.start..batch.start + batch.pts_ns.len() as u64;
        let batches = self.batches.get(&item.name).map_or(&[][..], Vec::as_slice);
        let batch = batches.iter().find(|batch| range(batch).contains(&frame));
        let batch = batch.ok_or_else(|| "the output does not say where it begins".to_owned())?;
        let request = IngestRequest { full: range(batch).collect(), proxy: Vec::new(), batch: batch.clone() };
        // One batch at a time: the last one's memory goes before the next one's is taken.
        (self.range, self.frames) = (0..0, Vec::new());
        let mut sink = HeapSink::default();
        let with_files = item::with_files(item, batch.files.clone());
        let (places, _) = self.source.ingest(&with_files, &request, &mut sink).map_err(|error| error.to_string())?;
        self.frames = sink.into_frames(Rendition::Full, &places).map_err(|error| error.to_string())?;
        (self.range, self.item) = (range(batch), item.name.clone());
        Ok(())
    }
}

impl Pictures for SourcePictures {
    fn picture(&mut self, item: &Item, frame: u64) -> Result<Option<Frame>, String> {
        if self.item != item.name || !self.range.contains(&frame) {
            self.decode(item, frame)?;
        }
        Ok(self.frames.iter().find(|found| found.number == frame).cloned())
    }
}
