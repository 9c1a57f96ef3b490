//! Full frames of the source, for exports that show them.
use super::batches::SourceBatches;
use crate::error::JobError;
use crate::output::job_file;
use framefleet_frames::{Frame, Item, Pictures, Rendition};
use framefleet_ledger::Ledger;
use framefleet_stage::{HeapSink, IngestRequest, SourceStage};
use ingest::Ingest;

/// Decodes whole batches, and keeps the latest.
pub struct SourcePictures {
    source: Ingest,
    batches: SourceBatches,
    /// The item whose batch is kept.
    item: String,
    frames: Vec<Frame>,
    /// First frame of the batch and the one after its last.
    range: std::ops::Range<u64>,
}

impl SourcePictures {
    /// Pictures of the items of an output. To be called within a runtime of several threads.
    pub async fn open(ledger: &Ledger) -> Result<Self, JobError> {
        let source = Ingest::new(ingest::resolve(&job_file::ingest(ledger).await?)?);
        let batches = SourceBatches::open(ledger).await?;
        Ok(Self { source, batches, item: String::new(), frames: Vec::new(), range: 0..0 })
    }

    fn decode(&mut self, item: &Item, frame: u64) -> Result<(), String> {
        let found = self.batches.of(item, frame).map_err(|error| error.to_string())?;
        let (item, batch) = found.ok_or_else(|| "the output does not say where it begins".to_owned())?;
        let range = batch.start..batch.start + batch.pts_ns.len() as u64;
        let request = IngestRequest { full: range.clone().collect(), proxy: Vec::new(), batch };
        // One batch at a time: the last one's memory goes before the next one's is taken.
        (self.range, self.frames) = (0..0, Vec::new());
        let mut sink = HeapSink::default();
        let (places, _) = self.source.ingest(&item, &request, &mut sink).map_err(|error| error.to_string())?;
        self.frames = sink.into_frames(Rendition::Full, &places).map_err(|error| error.to_string())?;
        (self.range, self.item) = (range, item.name);
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
