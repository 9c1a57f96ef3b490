//! The poses of one item, as finish reads them back.
use crate::skeleton::{Keypoints, POINTS};
use framefleet_media::annotation::Value;
use framefleet_stage::{Record, Records, RecordsError, StageError};
use framefleet_vision::boxes::Corners;

/// A person in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Number within the frame.
    pub instance: u32,
    /// The box.
    pub corners: Corners,
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
    /// The persons.
    pub persons: Vec<Seen>,
}

/// Hands on the frames of each item, one item at a time.
pub fn for_each_item(
    records: &dyn Records,
    mut each: impl FnMut(&str, &[FramePoses]) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut current: Option<(String, Vec<FramePoses>)> = None;
    for record in records.read() {
        let record = record.map_err(|error: RecordsError| StageError::retry(error))?;
        if let Some((item, frames)) = current.take_if(|(item, _)| *item != record.item) {
            each(&item, &frames)?;
        }
        let (_, frames) = current.get_or_insert_with(|| (record.item.clone(), Vec::new()));
        frames.extend(poses(&record));
    }
    current.map_or(Ok(()), |(item, frames)| each(&item, &frames))
}

/// The persons of a record; `None` when the frame has no result.
fn poses(record: &Record) -> Option<FramePoses> {
    if record.outcome != framefleet_media::Outcome::Result {
        return None;
    }
    let seen = record.annotations.iter().filter_map(|annotation| match &annotation.value {
        Some(Value::Pose(pose)) if pose.keypoints.len() == 3 * POINTS => {
            let mut keypoints = Keypoints::default();
            keypoints.iter_mut().zip(pose.keypoints.as_chunks::<3>().0).for_each(|(to, from)| *to = *from);
            let corners = Corners::try_from(pose.r#box.as_slice()).ok()?;
            Some(Seen { instance: annotation.instance, corners, score: pose.score, keypoints })
        }
        _ => None,
    });
    Some(FramePoses { number: record.frame, pts_ns: record.pts_ns, persons: seen.collect() })
}
