//! The half of the stage that sees all frames: objects followed through shots, and statistics.
use crate::settings::SegmentationSettings;
use crate::statistics::Statistics;
use crate::tracks::{Follower, Seen, Track};
use framefleet_media::annotation::Value;
use framefleet_media::{Amendment, Annotation, FrameRange, ItemKind, MaskTrack, Outcome, ScopedAnnotation};
use framefleet_stage::{Job, Outputs, Record, Records, StageError};
use framefleet_vision::run_lengths::Runs;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Follows the objects of all items.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut statistics = Statistics::default();
    let mut current: Option<Following> = None;
    for record in records.read() {
        let record = record.map_err(StageError::retry)?;
        if record.outcome != Outcome::Result {
            continue;
        }
        if current.as_ref().is_none_or(|following| following.item != record.item)
            && let Some(before) = current.replace(Following::new(job, &record.item, settings))
        {
            before.end(&mut statistics, out);
        }
        if let Some(following) = &mut current {
            following.frame(&record, &mut statistics, out)?;
        }
    }
    if let Some(last) = current {
        last.end(&mut statistics, out);
    }
    if let Ok(Json::Object(statistics)) = serde_json::to_value(statistics.done()) {
        out.statistics(&statistics);
    }
    Ok(())
}

/// One item.
struct Following {
    item: String,
    /// Stills have nothing to do with each other: nobody is followed.
    stills: bool,
    /// First frames of shots.
    cuts: BTreeSet<u64>,
    follower: Follower,
    /// The frame before, and how far apart neighbours are: the smallest distance so far.
    latest: Option<u64>,
    step: u64,
    done: Vec<Track>,
}

impl Following {
    fn new(job: &Job, item: &str, settings: &SegmentationSettings) -> Self {
        Self {
            item: item.to_owned(),
            stills: job.item(item).is_some_and(|item| item.kind() == ItemKind::Stills),
            cuts: job.shots(item).iter().map(|shot| shot.start).collect(),
            follower: Follower::new(settings.track_iou, u64::from(settings.track_gap)),
            latest: None,
            step: u64::MAX,
            done: Vec::new(),
        }
    }

    fn frame(&mut self, record: &Record, statistics: &mut Statistics, out: &mut Outputs) -> Result<(), StageError> {
        let masks = masks(record)?;
        statistics.add_frame(masks.len() as u64);
        if self.stills {
            return Ok(());
        }
        if let Some(latest) = self.latest.replace(record.frame) {
            self.step = self.step.min(record.frame - latest);
            if self.cuts.range(latest + 1..=record.frame).next().is_some() {
                self.follower.cut(&mut self.done);
            }
        }
        let step = if self.step == u64::MAX { 1 } else { self.step };
        for (instance, track) in self.follower.frame(record.frame, step, masks, &mut self.done) {
            out.amend(Amendment {
                item: record.item.clone(),
                frame: record.frame,
                instance,
                kind: "mask".to_owned(),
                json: json!({ "track": track }).to_string(),
            });
        }
        Ok(())
    }

    /// Publishes the item's tracks.
    fn end(mut self, statistics: &mut Statistics, out: &mut Outputs) {
        self.follower.cut(&mut self.done);
        self.done.sort_by_key(|track| track.number);
        for track in self.done {
            statistics.add_track(track.overlaps);
            out.annotate_scope(ScopedAnnotation {
                item: self.item.clone(),
                range: Some(FrameRange { start: track.first(), end: track.last() + 1 }),
                annotation: Some(Annotation {
                    instance: track.number,
                    value: Some(Value::MaskTrack(published(&track))),
                }),
            });
        }
    }
}

fn published(track: &Track) -> MaskTrack {
    let (sum, count) = track.overlaps;
    MaskTrack {
        track: track.number,
        label: track.label.clone(),
        frames: track.frames.len() as u64,
        area_mean: track.area / track.frames.len() as f64,
        score_mean: track.score / track.frames.len() as f64,
        stability: (count > 0).then(|| sum / count as f64),
        frame: track.frames.iter().map(|(frame, _)| *frame).collect(),
        instance: track.frames.iter().map(|(_, instance)| *instance).collect(),
    }
}

/// The masks of a record.
fn masks(record: &Record) -> Result<Vec<Seen>, StageError> {
    let mut masks = Vec::new();
    for annotation in &record.annotations {
        let Some(Value::Mask(mask)) = &annotation.value else { continue };
        let runs = mask.run_lengths.as_ref().map(Runs::parse).transpose().map_err(StageError::bad_input)?;
        masks.push(Seen {
            instance: annotation.instance,
            eye: mask.eye.clone(),
            runs: runs.unwrap_or_default(),
            label: mask.label.clone(),
            score: mask.score,
        });
    }
    Ok(masks)
}
