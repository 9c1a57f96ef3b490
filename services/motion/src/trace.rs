//! What process keeps for finish: small pictures, so that any two frames can be compared, and the corners that trajectories are
//! made of. One file per task; pairs of frames only, so that the borders of batches do not matter.
use crate::field::Sample;
use crate::prepare::Kept;
use framefleet_frames::{MotionTrace, MotionTraceFrame};
use framefleet_stage::StageError;
use prost::Message;
use std::path::Path;

/// Name of the attachment.
pub const TRACE: &str = "trace.bin";
/// Corners kept per frame, strongest first: enough for hundreds of trajectories, and 1 kB per frame.
pub const LINKS: usize = 128;
/// Links are kept in this fraction of a pixel of the full frame.
const STEPS: f64 = 16.0;
/// Numbers of a link.
const LINK_NUMBERS: usize = 4;

/// What is kept of a frame.
pub fn frame(number: u64, kept: Kept, links: &[Sample]) -> MotionTraceFrame {
    let steps = |value: f64| (value * STEPS).round() as i32;
    let numbers = links.iter().take(LINKS).flat_map(|link| [link.x, link.y, link.dx, link.dy].map(steps));
    let Kept { colours, picture, detail } = kept;
    MotionTraceFrame {
        frame: number,
        colours: colours.into(),
        picture: picture.into(),
        detail,
        links: numbers.collect(),
    }
}

/// The links kept of a frame.
pub fn links(frame: &MotionTraceFrame) -> Vec<Sample> {
    let pixels = |step: i32| f64::from(step) / STEPS;
    frame
        .links
        .chunks_exact(LINK_NUMBERS)
        .map(|link| Sample { x: pixels(link[0]), y: pixels(link[1]), dx: pixels(link[2]), dy: pixels(link[3]) })
        .collect()
}

/// The bytes of an attachment.
pub fn encode(trace: &MotionTrace) -> Vec<u8> {
    trace.encode_to_vec()
}

/// Reads an attachment back.
pub fn read(path: &Path) -> Result<MotionTrace, StageError> {
    let problem =
        |error: &dyn std::fmt::Display| StageError::Retry(format!("cannot read back what process kept: {error}"));
    let bytes = std::fs::read(path).map_err(|error| problem(&error))?;
    MotionTrace::decode(bytes.as_slice()).map_err(|error| problem(&error))
}
