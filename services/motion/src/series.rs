//! What finish knows of the frames of one item.
use crate::trace;
use framefleet_frames::annotation::Value;
use framefleet_frames::{FrameChange, Motion, MotionCamera, MotionType};
use framefleet_perception::by_item;
use framefleet_stage::{Job, Record, Records, StageError};
use std::collections::HashMap;
use std::path::PathBuf;

/// One frame with a result.
#[derive(Clone, Debug)]
pub struct FrameFacts {
    /// Number in the item.
    pub number: u64,
    /// Nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// Whether it was compared with its predecessor.
    pub compared: bool,
    /// Type of its motion.
    pub motion_type: MotionType,
    /// Mean magnitude in pixels, and in percent of the width.
    pub magnitude: Option<(f64, f64)>,
    /// Share of the picture that moves.
    pub density: Option<f64>,
    /// Mean direction in degrees.
    pub direction: Option<f64>,
    /// The camera.
    pub camera: Option<MotionCamera>,
    /// Difference to its predecessor.
    pub change: FrameChange,
    /// Mean RGB of a 4×4 grid; empty when it was not kept.
    pub colours: Vec<u8>,
    /// Mean luma of a 16×16 grid; empty when it was not kept.
    pub picture: Vec<u8>,
    /// Mean squared gradient of the luma.
    pub detail: f64,
}

/// The frames of one item that have a result, in order.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Name of the item.
    pub item: String,
    /// The frames.
    pub frames: Vec<FrameFacts>,
    /// Files with what process kept, in frame order.
    pub traces: Vec<PathBuf>,
}

/// Calls `each` with every item that has results, one at a time.
pub fn for_each_item(
    records: &dyn Records,
    job: &Job,
    mut each: impl FnMut(Series) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut traces: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for (item, _, path) in records.attachments(trace::TRACE).map_err(StageError::retry)? {
        traces.entry(item).or_default().push(path);
    }
    let mut items = by_item(records, job);
    while let Some(mut results) = items.next_item()? {
        let mut series = Series { item: results.item().name.clone(), ..Series::default() };
        for frame in results.by_ref() {
            series.frames.extend(facts(&frame?.record));
        }
        if !series.frames.is_empty() {
            series.traces = traces.remove(&series.item).unwrap_or_default();
            add_pictures(&mut series)?;
            each(series)?;
        }
    }
    Ok(())
}

/// What is known of a frame.
fn facts(record: &Record) -> Option<FrameFacts> {
    let motion = record.annotations.iter().find_map(|annotation| match &annotation.value {
        Some(Value::Motion(motion)) => Some(motion),
        _ => None,
    })?;
    Some(FrameFacts {
        number: record.frame,
        pts_ns: record.pts_ns,
        compared: motion.compared,
        motion_type: motion.motion_type(),
        magnitude: magnitude(motion),
        density: motion.density.map(f64::from),
        direction: motion.direction.map(f64::from),
        camera: motion.camera,
        change: motion.change.unwrap_or_default(),
        colours: Vec::new(),
        picture: Vec::new(),
        detail: 0.0,
    })
}

/// Mean magnitude in pixels and in percent.
fn magnitude(motion: &Motion) -> Option<(f64, f64)> {
    motion.magnitude_mean.zip(motion.magnitude_percent).map(|(pixels, percent)| (pixels.into(), percent.into()))
}

/// Reads back what process kept of the pictures; both sides are in frame order.
fn add_pictures(series: &mut Series) -> Result<(), StageError> {
    let mut frames = series.frames.iter_mut().peekable();
    for path in &series.traces {
        for kept in trace::read(path)?.frames {
            while frames.next_if(|frame| frame.number < kept.frame).is_some() {}
            if let Some(frame) = frames.next_if(|frame| frame.number == kept.frame) {
                frame.colours = kept.colours.to_vec();
                frame.picture = kept.picture.to_vec();
                frame.detail = f64::from(kept.detail);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use framefleet_frames::{Annotation, Item, Outcome};
    use framefleet_testkit_stage::{Kept, job};

    /// A compared frame at 25 frames per second that looks like its neighbours.
    pub fn frame(number: u64) -> FrameFacts {
        FrameFacts {
            number,
            pts_ns: number as i64 * 40_000_000,
            compared: number > 0,
            motion_type: MotionType::Static,
            magnitude: None,
            density: None,
            direction: None,
            camera: None,
            change: FrameChange { luma: 100.0, content: (number > 0).then_some(1.0), ..FrameChange::default() },
            colours: vec![100; 48],
            picture: Vec::new(),
            detail: 0.0,
        }
    }

    /// Three items, the second without any result.
    fn three_items() -> Kept {
        let motion = Annotation { instance: 0, value: Some(Value::Motion(Motion::default())) };
        let record = |item: &str, frame, annotations: Vec<Annotation>| {
            let outcome = match annotations.is_empty() {
                false => Outcome::Result,
                true => Outcome::Failed { code: "decode".to_owned(), reason: "torn".to_owned() },
            };
            Record { item: item.to_owned(), frame, pts_ns: 0, file: None, outcome, annotations }
        };
        let compared = || vec![motion.clone()];
        Kept::new(vec![
            record("a", 0, compared()),
            record("a", 1, compared()),
            record("b", 0, Vec::new()),
            record("c", 0, Vec::new()),
            record("c", 1, compared()),
        ])
    }

    #[test]
    fn items_come_one_by_one_without_their_failures() {
        let items = ["a", "b", "c"].map(|name| Item { name: name.to_owned(), ..Item::default() });
        let (job, mut seen) = (job("motion", items.to_vec(), std::path::Path::new(".")), Vec::new());
        for_each_item(&three_items(), &job, |series| {
            seen.push((series.item.clone(), series.frames.iter().map(|frame| frame.number).collect::<Vec<_>>()));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, vec![("a".to_owned(), vec![0, 1]), ("c".to_owned(), vec![1])]);
    }
}
