//! A face of one frame, between its detection and what is published of it.
use crate::face::detection::Detection;
use framefleet_vision::boxes::BBox;
use opencv::core::Mat;

/// A face of the batch.
pub struct Observation {
    /// The frame.
    pub frame: u64,
    /// Its number in the frame.
    pub instance: u32,
    /// Where it is, in pixels of the image it was found in.
    pub found: Detection,
    /// Its box in the full frame, cut to it.
    pub place: BBox,
    /// Pixels of the full frame per pixel of that image.
    pub scale: [f32; 2],
    /// The face in the position that models expect; `None` when its landmarks allow none.
    pub aligned: Option<Mat>,
}
