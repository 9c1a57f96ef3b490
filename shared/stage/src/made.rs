//! Frames that a stage makes: where they go, and how they have to be.
use crate::{Batch, Job};
use framefleet_frames::made::{self, Shape};
use framefleet_frames::{Frame, MadeFrames, Rendition, item};

/// Takes frames one by one as a stage makes them.
pub trait FrameSink: Send {
    /// Takes a frame.
    fn take(&mut self, frame: Frame);
}

/// The full frame of this number as it comes to a step: the one that is there, or, where it is absent, what it would be.
pub fn full_frame(job: &Job, batch: &Batch, number: u64) -> Shape {
    if let Some(frame) = batch.frame(Rendition::Full, number) {
        return Shape::of(&frame.image);
    }
    let (width, height) = batch.frame_size(number);
    let source = Shape { width, height, format: item::frame_format(batch.item(), number) };
    job.makers.iter().fold(source, |frame, rule| made::of_frame(rule, frame))
}

/// Says how a made frame differs from what the step's rule gives for the frame that it is made of.
pub fn check_made(step: &str, rule: &MadeFrames, of: Shape, frame: &Frame) -> Result<(), String> {
    let (expected, found) = (made::of_frame(rule, of), Shape::of(&frame.image));
    if found == expected {
        return Ok(());
    }
    Err(format!("step {step} made frame {} with {found}; of {of} its plan says {expected}", frame.number))
}
