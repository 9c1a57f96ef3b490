//! The source stage: media's decoding, behind the trait that the runner knows.
use crate::Settings;
use framefleet_decode::{Canvas, Decoders, Slot};
use framefleet_frames::{BatchInfo, FrameFailure, IndexRequest, Item, ReadError, Rendition};
use framefleet_probe::Reading;
use framefleet_stage::{IngestRequest, Ingested, PixelSink, Probe, SourceStage, StageError};

/// Opens items and makes batches.
pub struct Ingest {
    settings: Settings,
    decoders: Decoders,
}

impl Ingest {
    /// A source with these settings. Decoders stay open between batches, one for each core: no more ranges than that are
    /// decoded at a time, and each decoder holds its pictures and its container's table of packets.
    pub fn new(settings: Settings) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let decoders = Decoders::new(settings.deinterlace.into(), cores);
        Self { settings, decoders }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl SourceStage for Ingest {
    fn index(
        &self,
        item: &Item,
        request: IndexRequest,
        found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
    ) -> Result<(Item, Option<String>), StageError> {
        framefleet_index::index(item, request, self.settings.deinterlace.into(), found).map_err(stage_error)
    }

    fn ingest(
        &self,
        item: &Item,
        request: &IngestRequest,
        sink: &mut dyn PixelSink,
    ) -> Result<(Vec<Ingested>, Vec<FrameFailure>), StageError> {
        let (slots, mut failures) =
            self.decoders.slots(item, &request.batch, &request.proxy, &request.full).map_err(stage_error)?;
        let mut places = place(&slots, sink)?;
        let mut canvas = SinkCanvas { places: &places, slots: &slots, sink };
        failures.extend(self.decoders.decode(item, &request.batch, &slots, &mut canvas).map_err(stage_error)?);
        failures.sort_by_key(|failure| failure.frame);
        failures.dedup_by_key(|failure| failure.frame);
        places.retain(|place| failures.binary_search_by_key(&place.frame, |failure| failure.frame).is_err());
        Ok((places, failures))
    }

    fn probe(&self, source: &str) -> Result<Probe, StageError> {
        let reading = Reading {
            folders: self.settings.images.into(),
            rate: self.settings.fps.map(Into::into),
            video_stream: self.settings.video_stream.number(),
        };
        let found = framefleet_probe::probe_with(source, reading).map_err(stage_error)?;
        Ok(Probe { items: found.items, refused: found.refused, passed_over: found.passed_over })
    }
}

/// Puts the pictures of each rendition one behind the other, and reserves the memory.
fn place(slots: &[Slot], sink: &mut dyn PixelSink) -> Result<Vec<Ingested>, StageError> {
    let mut places = Vec::with_capacity(slots.len());
    for rendition in [Rendition::Proxy, Rendition::Full] {
        let mut offset = 0;
        // Slots come proxies first, so places are in the same order.
        for slot in slots.iter().filter(|slot| slot.rendition == rendition) {
            let Slot { frame, pts_ns, format, width, height, .. } = *slot;
            places.push(Ingested { rendition, frame, pts_ns, format, width, height, offset });
            offset += slot.bytes();
        }
        if offset > 0 {
            sink.reserve(rendition, offset)?;
        }
    }
    Ok(places)
}

/// The runner's memory, cut into pictures.
struct SinkCanvas<'a> {
    places: &'a [Ingested],
    slots: &'a [Slot],
    sink: &'a mut dyn PixelSink,
}

impl Canvas for SinkCanvas<'_> {
    fn memory(&mut self, slot: usize) -> &mut [u8] {
        let (place, bytes) = (&self.places[slot], self.slots[slot].bytes());
        &mut self.sink.memory(place.rendition)[place.offset..place.offset + bytes]
    }
}

/// Footage that cannot be read stays unreadable; the file system may recover.
fn stage_error(error: ReadError) -> StageError {
    match error {
        ReadError::Io { .. } => StageError::retry(error),
        error => StageError::bad_input(error),
    }
}
