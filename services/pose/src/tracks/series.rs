//! The poses of one item, as finish reads them back.
use crate::skeleton::{Keypoints, POINTS};
use framefleet_frames::annotation::Value;
use framefleet_perception::FrameResult;
use framefleet_vision::boxes::BBox;

/// A person in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseObservation {
    /// Number within the frame.
    pub instance: u32,
    /// The box.
    pub bbox: BBox,
    /// How sure it is that there is a person.
    pub score: f32,
    /// The keypoints.
    pub keypoints: Keypoints,
}

/// A frame that has a result.
#[derive(Clone, Debug, PartialEq)]
pub struct FramePoses {
    /// Number in the whole item.
    pub number: u64,
    /// Presentation time, nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// Whether a shot begins between the frame before and this one.
    pub cut: bool,
    /// The persons.
    pub persons: Vec<PoseObservation>,
    /// Whether there may be more, since the model finds no more in one go.
    pub at_limit: bool,
}

impl From<FrameResult> for FramePoses {
    fn from(FrameResult { record, cut }: FrameResult) -> Self {
        let seen = record.annotations.iter().filter_map(|annotation| match &annotation.value {
            Some(Value::Pose(pose)) if pose.keypoints.len() == 3 * POINTS => {
                let mut keypoints = Keypoints::default();
                keypoints.iter_mut().zip(pose.keypoints.as_chunks::<3>().0).for_each(|(to, from)| *to = *from);
                let bbox = BBox::try_from(pose.r#box.as_slice()).ok()?;
                Some(PoseObservation { instance: annotation.instance, bbox, score: pose.score, keypoints })
            }
            _ => None,
        });
        let at_limit = record
            .annotations
            .iter()
            .any(|annotation| matches!(&annotation.value, Some(Value::Pose(pose)) if pose.at_limit == Some(true)));
        Self { number: record.frame, pts_ns: record.pts_ns, cut, persons: seen.collect(), at_limit }
    }
}

/// The person that a frame's number and an instance name, and the frame's index.
pub fn find(frames: &[FramePoses], (number, instance): (u64, u32)) -> Option<(usize, &PoseObservation)> {
    let at = frames.binary_search_by_key(&number, |frame| frame.number).ok()?;
    let seen = frames[at].persons.iter().find(|seen| seen.instance == instance)?;
    Some((at, seen))
}
