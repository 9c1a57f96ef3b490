//! Frames that a stage makes, on their way into a blob: each is checked by the plan's rule and copied as it comes, so that a task
//! holds no more of them than the memory that was reserved for it, and the one that the stage is making.
use crate::blobs::{BlobTarget, reference};
use crate::failure::TaskFailure;
use framefleet_bus::BlobWriter;
use framefleet_frames::made::{self, Shape};
use framefleet_frames::{Frame, FrameFailure, MadeFrames, Rendition};
use framefleet_proto::v1::{FramePixels, Pixels};
use framefleet_stage::{Batch, FrameSink, Job, check_made, full_frame};
use std::collections::{BTreeMap, BTreeSet};

/// Code of frames that are not as the plan says.
const WRONG: &str = "made-frame";

/// Takes the frames that a task makes. Used from blocking threads only.
pub(crate) struct MadeFrameSink {
    step: String,
    rule: Option<MadeFrames>,
    /// The frames that may be made: what each is made of, and where it will lie.
    places: BTreeMap<u64, (Shape, usize)>,
    /// Bytes of them all.
    length: u64,
    target: BlobTarget,
    writer: Option<Box<dyn BlobWriter>>,
    layout: BTreeMap<u64, FramePixels>,
    wrong: Vec<FrameFailure>,
    /// Why there is no memory.
    failure: Option<TaskFailure>,
}

impl MadeFrameSink {
    /// A sink for the frames that a step makes of those of a batch. Memory is reserved when the first one comes.
    pub fn new(rule: Option<&MadeFrames>, job: &Job, batch: &Batch, target: BlobTarget) -> Self {
        let (mut places, mut length) = (BTreeMap::new(), 0u64);
        for (&number, rule) in batch.frames().iter().zip(rule.into_iter().cycle()) {
            let of = full_frame(job, batch, number);
            places.insert(number, (of, usize::try_from(length).unwrap_or(usize::MAX)));
            length = length.saturating_add(made::of_frame(rule, of).bytes());
        }
        Self {
            step: job.step.clone(),
            rule: rule.cloned(),
            places,
            length,
            target,
            writer: None,
            layout: BTreeMap::new(),
            wrong: Vec::new(),
            failure: None,
        }
    }

    /// Ends a run of the stage; frames that are not as the plan says, as failures. An error when there was no memory.
    pub fn close(&mut self) -> Result<Vec<FrameFailure>, TaskFailure> {
        self.failure.take().map_or_else(|| Ok(std::mem::take(&mut self.wrong)), Err)
    }

    /// Makes the frames readable that have a result.
    pub fn finish(self, without: &BTreeSet<u64>) -> Result<Vec<Pixels>, TaskFailure> {
        let frames: Vec<FramePixels> =
            self.layout.into_values().filter(|frame| !without.contains(&frame.frame)).collect();
        let Some(writer) = self.writer.filter(|_| !frames.is_empty()) else { return Ok(Vec::new()) };
        let blob = Some(reference(writer.finish()?));
        Ok(vec![Pixels { rendition: Rendition::Full.into(), made_by: self.step, blob, frames }])
    }

    fn fail(&mut self, frame: u64, reason: String) {
        self.wrong.push(FrameFailure { frame, code: WRONG.to_owned(), reason });
    }

    /// The memory of the blob; `None` when there is none.
    fn memory(&mut self) -> Option<&mut [u8]> {
        if self.writer.is_none() && self.failure.is_none() {
            match self.target.reserve("", self.length) {
                Ok(writer) => self.writer = Some(writer),
                Err(error) => self.failure = Some(error.into()),
            }
        }
        self.writer.as_mut().map(|writer| writer.memory())
    }
}

impl FrameSink for MadeFrameSink {
    fn take(&mut self, frame: Frame) {
        let number = frame.number;
        let Some(rule) = &self.rule else {
            return self.fail(number, format!("step {} made a frame, and its plan says that it makes none", self.step));
        };
        // Results outside of what was asked for are left out, frames like annotations.
        let Some(&(of, offset)) = self.places.get(&number) else { return };
        if let Err(reason) = check_made(&self.step, rule, of, &frame) {
            return self.fail(number, reason);
        }
        let data = frame.image.data();
        let Some(target) = self.memory().and_then(|memory| memory.get_mut(offset..offset + data.len())) else { return };
        target.copy_from_slice(data);
        let Shape { width, height, format } = Shape::of(&frame.image);
        let (pts_ns, offset) = (frame.pts_ns, offset as u64);
        let pixels = FramePixels { frame: number, pts_ns, format: format.into(), width, height, offset };
        self.layout.insert(number, pixels);
    }
}
