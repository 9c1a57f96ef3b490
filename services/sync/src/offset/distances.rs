//! Offsets by distances of what is seen to what is heard: averaged over a track, they are least where the two belong together.
use crate::tracks::Track;
use framefleet_audio_features::correlation::peak;
use framefleet_frames::{AvOffset, LipDistances};
use framefleet_stage::{Records, StageError};
use prost::Message;
use std::collections::HashMap;

/// Length of a step, nanoseconds: frames of the film that SyncNet was trained on.
pub const STEP_NS: i64 = 40_000_000;
/// Steps by which the audio is shifted, to each side.
pub const SHIFTS: i64 = 15;
/// Name of the attachment.
pub const DISTANCES: &str = "distances.bin";
/// Tracks with fewer frames say nothing.
const MIN_FRAMES: usize = 25;
/// Confidence (median less least distance) that is certain.
const CERTAIN: f64 = 6.0;

/// Distances of all items, as process kept them.
#[derive(Default)]
pub struct Distances {
    /// By item, sound track, frame and instance of the face.
    by_face: HashMap<(String, u32, u64, u32), Vec<f32>>,
}

/// Reads back what process kept.
pub fn read(records: &dyn Records) -> Result<Distances, StageError> {
    let problem = |error: String| StageError::Retry(format!("cannot read back what process kept: {error}"));
    let mut distances = Distances::default();
    for (item, _, path) in records.attachments(DISTANCES).map_err(StageError::retry)? {
        let bytes = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
        let kept = LipDistances::decode(bytes.as_slice()).map_err(|error| problem(error.to_string()))?;
        let faces =
            kept.faces.into_iter().map(|face| ((item.clone(), face.track, face.frame, face.instance), face.distances));
        distances.by_face.extend(faces);
    }
    Ok(distances)
}

/// An offset by distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    /// Nanoseconds, positive when the audio is ahead.
    pub offset_ns: f64,
    /// Median less least mean distance.
    pub confidence: f64,
}

impl Distances {
    /// The offset of an item's sound track that the clearest of some tracks of faces shows.
    pub fn of(&self, (item, sound_track): (&str, u32), tracks: &[&Track]) -> Option<Offset> {
        let of_track = |track: &&Track| {
            let own = |frame, instance| self.by_face.get(&(item.to_owned(), sound_track, frame, instance));
            offset(&track.observations.iter().filter_map(|s| own(s.frame, s.instance)).collect::<Vec<_>>())
        };
        tracks.iter().filter_map(of_track).max_by(|a, b| a.confidence.total_cmp(&b.confidence))
    }
}

/// The offset at which the mean of distances, one list per frame, is least.
pub fn offset(distances: &[&Vec<f32>]) -> Option<Offset> {
    let complete: Vec<_> = distances.iter().filter(|list| list.len() == (2 * SHIFTS + 1) as usize).collect();
    if complete.len() < MIN_FRAMES {
        return None;
    }
    let mean = |shift: usize| complete.iter().map(|list| f64::from(list[shift])).sum::<f64>() / complete.len() as f64;
    let means: Vec<f64> = (0..=2 * SHIFTS as usize).map(mean).collect();
    let mut sorted = means.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let below: Vec<f64> = means.iter().map(|mean| median - mean).collect();
    let best = peak(&below, 2)?;
    // What fits comes later in the audio than in the image where the shift is positive: then the audio is late.
    Some(Offset { offset_ns: (SHIFTS as f64 - best.position) * STEP_NS as f64, confidence: best.value })
}

impl Offset {
    /// As it is published.
    pub fn published(&self, frame_ns: i64) -> AvOffset {
        AvOffset {
            offset_ms: Some((self.offset_ns / 1e6) as f32),
            offset_frames: Some((self.offset_ns / frame_ns as f64) as f32),
            confidence: Some((self.confidence / CERTAIN).clamp(0.0, 1.0) as f32),
            model_confidence: Some(self.confidence as f32),
            ..AvOffset::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distances of a frame whose audio lies so many steps later than the image.
    fn frame(late: f32, min: f32) -> Vec<f32> {
        (-15..=15).map(|shift: i32| (min + (shift as f32 - late).abs()).min(9.0)).collect()
    }

    #[test]
    fn sound_that_lies_later_is_late() {
        for late in [-10.0, -3.0, 0.0, 4.0, 10.0] {
            let frames: Vec<Vec<f32>> = (0..40).map(|n| frame(late, 2.0 + (n % 3) as f32)).collect();
            let found = offset(&frames.iter().collect::<Vec<_>>()).unwrap();
            assert!((found.offset_ns / STEP_NS as f64 + f64::from(late)).abs() < 1e-6, "{late}: {found:?}");
            assert!((found.confidence - 6.0).abs() < 0.2, "{found:?}");
            let published = found.published(20_000_000);
            assert!(
                (published.offset_frames.unwrap() + 2.0 * late).abs() < 1e-4,
                "frames are the film's: {published:?}"
            );
        }
    }

    #[test]
    fn too_little_says_nothing() {
        let one = frame(0.0, 2.0);
        assert_eq!(offset(&[&one; 10]), None);
        assert_eq!(offset(&[&vec![5.0; 31]; 50]), None);
        assert_eq!(offset(&[&vec![5.0; 7]; 50]), None);
    }
}
