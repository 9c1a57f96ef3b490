//! What process is given: frames of one item with their halo, and the annotations on them.
use framefleet_frames::{Annotation, Frame, FrameRange, Item, Kind, Rendition, annotation::kind_name, item, made};
use std::collections::{BTreeMap, BTreeSet};

/// Annotations on one frame: the step that made each, and the annotation.
pub type Annotated = Vec<(String, Annotation)>;

/// The frames one task works on. Any frame may be absent (edge of the item, failed, skipped): stages accept that.
#[derive(Clone, Debug)]
pub struct Batch {
    item: Item,
    range: FrameRange,
    window: FrameRange,
    frames: Vec<u64>,
    pts_ns: Vec<i64>,
    pixels: BTreeMap<(i32, u64), Frame>,
    annotations: BTreeMap<u64, Annotated>,
    /// Frames with a result of a step that makes a kind.
    results: BTreeSet<(Kind, u64)>,
}

impl Batch {
    /// A batch of `range`, looking at `window`, that is to make results for `frames` (ascending, inside `range`).
    /// `pts_ns` has the time of every frame of the window.
    pub fn new(item: Item, range: FrameRange, window: FrameRange, frames: Vec<u64>, pts_ns: Vec<i64>) -> Self {
        let (pixels, annotations, results) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { item, range, window, frames, pts_ns, pixels, annotations, results }
    }

    /// Adds a frame of a rendition.
    pub fn insert_frame(&mut self, rendition: Rendition, frame: Frame) {
        self.pixels.insert((rendition as i32, frame.number), frame);
    }

    /// Adds an annotation that `step` made on a frame.
    pub fn insert_annotation(&mut self, step: &str, frame: u64, annotation: Annotation) {
        self.annotations.entry(frame).or_default().push((step.to_owned(), annotation));
    }

    /// Notes that a step which makes a kind has a result on a frame, of which there may be no annotation.
    pub fn insert_result(&mut self, kind: &Kind, frame: u64) {
        self.results.insert((kind.clone(), frame));
    }

    /// The same batch with frames hidden, to locate one that breaks a stage.
    pub fn without(&self, absent: &[u64]) -> Self {
        let mut batch = self.clone();
        batch.frames.retain(|frame| !absent.contains(frame));
        batch.pixels.retain(|(_, frame), _| !absent.contains(frame));
        batch.annotations.retain(|frame, _| !absent.contains(frame));
        batch.results.retain(|(_, frame)| !absent.contains(frame));
        batch
    }

    /// Width and height of a full frame of the source, as displayed: what coordinates are pixels of. Each still has its own.
    pub fn frame_size(&self, number: u64) -> (u32, u32) {
        item::frame_size(&self.item, number)
    }

    /// Pixels of a full frame as it comes to this step per pixel of coordinates, across and down: steps upstream may have made
    /// it at another size. `None` when the frame is not there.
    pub fn frame_scale(&self, number: u64) -> Option<(f64, f64)> {
        Some(made::scale(&self.frame(Rendition::Full, number)?.image, self.frame_size(number)))
    }

    /// The item the frames belong to; of a folder, with the files of the window.
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The batch on the grid: results are for frames inside it only.
    pub fn range(&self) -> &FrameRange {
        &self.range
    }

    /// The frames that may be looked at: the batch and its halo, cut to the item.
    pub fn window(&self) -> &FrameRange {
        &self.window
    }

    /// The frames to make results for, ascending: sampled, and with every required input present.
    pub fn frames(&self) -> &[u64] {
        &self.frames
    }

    /// A frame of the window, if it is there in this rendition.
    pub fn frame(&self, rendition: Rendition, number: u64) -> Option<&Frame> {
        self.pixels.get(&(rendition as i32, number))
    }

    /// Presentation time of a frame of the window, nanoseconds from the item's first frame.
    pub fn pts_ns(&self, number: u64) -> Option<i64> {
        let offset = number.checked_sub(self.window.start)?;
        self.pts_ns.get(usize::try_from(offset).ok()?).copied()
    }

    /// Whether a step that makes a kind has a result on a frame of the window. With one, no annotation means that nothing is there;
    /// without one (before and behind the job's range, failed, skipped) it means that nobody knows.
    pub fn has_result(&self, number: u64, kind: &Kind) -> bool {
        self.results.contains(&(kind.clone(), number))
    }

    /// Annotations of a kind on a frame of the window, in order of step and instance.
    pub fn annotations<'a>(&'a self, number: u64, kind: &'a Kind) -> impl Iterator<Item = &'a Annotation> {
        self.annotations
            .get(&number)
            .into_iter()
            .flatten()
            .map(|(_, annotation)| annotation)
            .filter(move |annotation| kind_name(annotation) == kind.as_str())
    }
}
