//! The stage that everything starts with: it opens items and makes batches. Built in, one implementation.
use crate::{SetupError, StageError};
pub use framefleet_frames::IndexRequest;
use framefleet_frames::{BatchInfo, FrameFailure, Item, PixelFormat, Rendition};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What headers say of a source.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// Items, in order.
    pub items: Vec<Item>,
    /// Files that are no readable item: (name, why).
    pub refused: Vec<(String, String)>,
    /// How many files of its folders are of no kind that is read, by extension.
    pub passed_over: BTreeMap<String, u64>,
}

/// Frames to decode for one batch, ascending, per rendition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IngestRequest {
    /// The batch on the grid.
    pub batch: BatchInfo,
    /// Frames wanted as proxies.
    pub proxy: Vec<u64>,
    /// Frames wanted in full.
    pub full: Vec<u64>,
}

/// Where a frame of one rendition was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// Which rendition.
    pub rendition: Rendition,
    /// Number in the whole item.
    pub frame: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// Format of the pixels.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Byte offset in the rendition's memory.
    pub offset: usize,
}

/// Memory for the frames of one batch, provided by the runner (heap, or a mapped file).
pub trait PixelSink {
    /// Memory for all frames of a rendition; called once per rendition, before its first frame is written.
    fn reserve(&mut self, rendition: Rendition, bytes: usize) -> Result<(), StageError>;

    /// The memory reserved for a rendition; empty when nothing was.
    fn memory(&mut self, rendition: Rendition) -> &mut [u8];
}

/// Opens items and makes batches. Implementations may keep decoders open between calls: a cache that changes no answer.
/// The program makes the one it uses (with its settings) and hands it to the runner as `Arc<dyn SourceStage>`.
pub trait SourceStage: Send + Sync + 'static {
    /// Finds the batches of an item in order, calling `found` with the next few. `found` answers whether to go on. Returns the item with what reading it
    /// corrected, and why the rest cannot be read if it cannot.
    fn index(
        &self,
        item: &Item,
        request: IndexRequest,
        found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
    ) -> Result<(Item, Option<String>), StageError>;

    /// Decodes the frames of one batch into `sink`. Frames that cannot be decoded are reported, never left out silently.
    fn ingest(
        &self,
        item: &Item,
        request: &IngestRequest,
        sink: &mut dyn PixelSink,
    ) -> Result<(Vec<Ingested>, Vec<FrameFailure>), StageError>;

    /// Items of a source: a file, folder, glob or list file.
    fn probe(&self, source: &str) -> Result<Probe, StageError>;
}

/// Makes the source stage that settings ask for.
pub type OpenSource = Arc<dyn Fn(&Map<String, Value>) -> Result<Arc<dyn SourceStage>, SetupError> + Send + Sync>;
