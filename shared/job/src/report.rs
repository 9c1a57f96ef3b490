//! `report.html`: gathers what the output holds and draws it, with pictures decoded from the source.
use crate::error::JobError;
use crate::source::SourceBatches;
use bytes::Bytes;
use framefleet_frames::{Frame, Item, Rendition};
use framefleet_ledger::Ledger;
use framefleet_report::model::PageLink;
use framefleet_report::{JobFacts, Thumbnails, encode_jpeg};
use framefleet_stage::{HeapSink, IngestRequest, SourceStage};
use std::sync::Arc;

/// Draws the report of an output.
pub(crate) async fn draw(ledger: &Ledger, source: Arc<dyn SourceStage>, facts: JobFacts) -> Result<(), JobError> {
    let decoder = Decoder { source, batches: SourceBatches::open(ledger).await? };
    let mut report = framefleet_report::gather(ledger, facts, &decoder).await?;
    for page in framefleet_report::identity_pages(ledger).await? {
        report.pages.push(PageLink { title: page.title, href: page.path.clone() });
        ledger.write_file(&page.path, Bytes::from(page.html)).await?;
    }
    let page = framefleet_report::render(&report)?;
    ledger.write_file("report.html", Bytes::from(page)).await?;
    for page in 0..framefleet_report::item_pages(&report) {
        let html = framefleet_report::render_item_page(&report, page)?;
        ledger.write_file(&framefleet_report::item_page_path(page), Bytes::from(html)).await?;
    }
    Ok(())
}

/// A frame's number, and its picture as a JPEG file.
type FrameJpeg = (u64, Vec<u8>);

/// Decodes pictures for the report from the source.
struct Decoder {
    source: Arc<dyn SourceStage>,
    batches: SourceBatches,
}

impl Decoder {
    /// Pictures of the first of some frames of an item and of those in the same batch, and how many these are.
    fn of_batch(&self, item: &Item, frames: &[u64], side: u32) -> Result<(Vec<FrameJpeg>, usize), JobError> {
        let found = frames.first().map(|first| self.batches.of(item, *first)).transpose()?.flatten();
        let Some((item, batch)) = found else { return Ok((Vec::new(), 1)) };
        let end = batch.start + batch.pts_ns.len() as u64;
        let proxy: Vec<u64> = frames.iter().copied().take_while(|frame| *frame < end).collect();
        let (count, mut sink) = (proxy.len(), HeapSink::default());
        let request = IngestRequest { batch, proxy, full: Vec::new() };
        let (places, _) = self.source.ingest(&item, &request, &mut sink)?;
        let frames = sink.into_frames(Rendition::Proxy, &places)?;
        let jpeg = |frame: &Frame| Some((frame.number, encode_jpeg(&frame.image, side).ok()?));
        Ok((frames.iter().filter_map(jpeg).collect(), count))
    }
}

impl Thumbnails for Decoder {
    fn jpeg(&self, item: &Item, mut frames: &[u64], side: u32) -> Vec<FrameJpeg> {
        let mut pictures = Vec::new();
        while !frames.is_empty() {
            let done = match self.of_batch(item, frames, side) {
                Ok((more, count)) => {
                    pictures.extend(more);
                    count
                }
                Err(error) => {
                    tracing::warn!(item = item.name, %error, "no pictures for the report");
                    1
                }
            };
            frames = frames.get(done.max(1)..).unwrap_or_default();
        }
        pictures
    }
}
