//! The half of the stage that sees all frames: objects followed through shots, and statistics.
pub(crate) mod persons;
pub(crate) mod statistics;
pub(crate) mod tracks;
use crate::finish::persons::Persons;
use crate::finish::statistics::Statistics;
use crate::finish::tracks::{MaskObservation, Masks, Object};
use crate::settings::SegmentationSettings;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Amendment, Annotation, FrameRange, MaskTrack, ScopedAnnotation};
use framefleet_masks::Rle;
use framefleet_perception::{FrameResult, Track, TrackSet, by_item};
use framefleet_stage::{Job, Outputs, Record, Records, StageError};
use serde_json::{Value as Json, json};

/// Follows the objects of all items, inside shots. Stills have nothing to do with each other: nothing is followed.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut statistics = Statistics::default();
    let persons = Persons::new(job);
    let mut items = by_item(records, job);
    while let Some(mut results) = items.next_item()? {
        let (item, stills) = (&results.item().name, results.is_stills());
        let mut tracks = TrackSet::new(Masks, settings.track_iou, settings.track_gap_seconds);
        for frame in results.by_ref() {
            let FrameResult { record, cut } = frame?;
            let masks = masks(&record, &persons)?;
            statistics.add_frame(masks.len() as u64);
            if cut {
                tracks.cut();
            }
            if !stills {
                tracks.frame(record.frame, record.pts_ns, masks);
            }
        }
        for (number, track) in (0..).zip(tracks.finish(1)) {
            statistics.add_track(track.state.overlaps);
            publish(item, number, &track, out);
        }
    }
    if let Ok(Json::Object(statistics)) = serde_json::to_value(statistics.done()) {
        out.statistics(&statistics);
    }
    Ok(())
}

/// Writes a track, and its number to the masks that it has.
fn publish(item: &str, number: u32, track: &Track<Object>, out: &mut Outputs) {
    for &(frame, instance) in &track.seen {
        let (kind, json) = ("mask".to_owned(), json!({ "track": number }).to_string());
        out.amend(Amendment { item: item.to_owned(), frame, instance, kind, json });
    }
    let value = Some(Value::MaskTrack(published(number, track)));
    out.annotate_scope(ScopedAnnotation {
        item: item.to_owned(),
        range: Some(FrameRange { start: track.first(), end: track.last() + 1 }),
        annotation: Some(Annotation { instance: number, value }),
    });
}

fn published(number: u32, track: &Track<Object>) -> MaskTrack {
    let Track { seen, state, .. } = track;
    let (sum, count) = state.overlaps;
    MaskTrack {
        track: number,
        label: state.label.clone(),
        frames: seen.len() as u64,
        area_mean: state.area / seen.len() as f64,
        score_mean: state.score / seen.len() as f64,
        stability: (count > 0).then(|| sum / count as f64),
        frame: seen.iter().map(|(frame, _)| *frame).collect(),
        instance: seen.iter().map(|(_, instance)| *instance).collect(),
    }
}

/// The masks of a record, each with its instance.
fn masks(record: &Record, persons: &Persons<'_>) -> Result<Vec<(u32, MaskObservation)>, StageError> {
    let mut masks = Vec::new();
    for annotation in &record.annotations {
        let Some(Value::Mask(mask)) = &annotation.value else { continue };
        let runs = mask.run_lengths.as_ref().map(Rle::parse).transpose().map_err(StageError::bad_input)?;
        let seen = MaskObservation {
            eye: mask.eye.clone(),
            runs: runs.unwrap_or_default(),
            label: mask.label.clone(),
            score: mask.score,
            person: mask.pose.and_then(|pose| persons.of_pose(&record.item, record.frame, pose)),
        };
        masks.push((annotation.instance, seen));
    }
    Ok(masks)
}
