//! The half of the stage that sees all frames: tracks, smoothing, geometry, statistics.
pub(crate) mod publish;
use crate::PoseSettings;
use crate::finish::publish::{Followed, Instances, publish, publish_alone};
use crate::models::multi::MOST;
use crate::tracks::character::diversity;
use crate::tracks::gaps;
use crate::tracks::series::FramePoses;
use crate::tracks::tracker;
use framefleet_frames::{PersonTrack, PoseType, PoseView, SequenceType};
use framefleet_perception::by_item;
use framefleet_stage::{Job, Outputs, Records, StageError};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashSet};

/// Sums up all items, one at a time.
pub fn finish(job: &Job, records: &dyn Records, settings: &PoseSettings, out: &mut Outputs) -> Result<(), StageError> {
    let mut totals = Totals::default();
    let mut items = by_item(records, job);
    while let Some(mut results) = items.next_item()? {
        let item = &results.item().name;
        let frames: Vec<FramePoses> =
            results.by_ref().map(|frame| frame.map(FramePoses::from)).collect::<Result<_, StageError>>()?;
        totals.add_frames(&frames);
        let tracks = if results.is_stills() { Vec::new() } else { tracker::tracks(&frames, settings) };
        let mut instances = Instances::new();
        let mut followed = HashSet::new();
        for (number, track) in (0..).zip(&tracks) {
            followed.extend(track.seen.iter().copied());
            let poses = gaps::poses(track, &frames, settings);
            let followed = Followed { item, number, ended: track.ended, poses: &poses, frames: &frames };
            let track = publish(&followed, settings, &mut instances, out)?;
            totals.add_track(&track);
        }
        for frame in &frames {
            for seen in frame.persons.iter().filter(|seen| !followed.contains(&(frame.number, seen.instance))) {
                let min_visibility = settings.min_visibility as f32;
                publish_alone(item, frame.number, seen.instance, &seen.keypoints, min_visibility, out)?;
            }
        }
        for frame in &frames {
            totals.add_types(frame, settings.min_visibility as f32);
        }
    }
    if let Ok(Json::Object(statistics)) = serde_json::to_value(totals.summary(settings)) {
        out.statistics(&statistics);
    }
    Ok(())
}

/// What is counted over all items.
#[derive(Default)]
struct Totals {
    frames: u64,
    frames_with_persons: u64,
    poses: u64,
    most_persons: u64,
    frames_at_limit: u64,
    views: BTreeMap<i32, u64>,
    types: BTreeMap<i32, u64>,
    tracks: u64,
    track_frames: u64,
    interpolated: u64,
    sequences: BTreeMap<i32, u64>,
    /// Sums of jitter over tracks that have it, and how many.
    jitter: (f64, f64, u64),
}

/// The statistics of the step.
#[derive(Serialize)]
struct Summary {
    frames: u64,
    frames_with_persons: u64,
    detection_rate: f64,
    poses: u64,
    most_persons: u64,
    /// Frames in which there may be more persons than were found …
    frames_at_limit: u64,
    /// … and what to do about it.
    limit: Option<String>,
    views: BTreeMap<String, u64>,
    pose_types: BTreeMap<String, u64>,
    diversity: f64,
    unique_pose_types: usize,
    tracks: u64,
    mean_track_frames: Option<f64>,
    interpolated: u64,
    sequence_types: BTreeMap<String, u64>,
    jitter_raw: Option<f64>,
    jitter_smoothed: Option<f64>,
}

impl Totals {
    fn add_frames(&mut self, frames: &[FramePoses]) {
        for frame in frames {
            let persons = frame.persons.len() as u64;
            self.frames += 1;
            self.frames_with_persons += u64::from(persons > 0);
            self.poses += persons;
            self.most_persons = self.most_persons.max(persons);
            self.frames_at_limit += u64::from(frame.at_limit);
        }
    }

    fn add_types(&mut self, frame: &FramePoses, min_visibility: f32) {
        for person in &frame.persons {
            let geometry = crate::geometry::geometry(&person.keypoints, min_visibility);
            *self.views.entry(geometry.view).or_default() += 1;
            *self.types.entry(geometry.pose_type).or_default() += 1;
        }
    }

    fn add_track(&mut self, track: &PersonTrack) {
        self.tracks += 1;
        self.track_frames += track.seen;
        self.interpolated += track.interpolated;
        *self.sequences.entry(track.sequence_type).or_default() += 1;
        if let (Some(raw), Some(smoothed)) = (track.jitter_raw, track.jitter_smoothed) {
            self.jitter.0 += f64::from(raw);
            self.jitter.1 += f64::from(smoothed);
            self.jitter.2 += 1;
        }
    }

    fn summary(&self, settings: &PoseSettings) -> Summary {
        let share = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        Summary {
            frames: self.frames,
            frames_with_persons: self.frames_with_persons,
            detection_rate: share(self.frames_with_persons as f64, self.frames).unwrap_or_default(),
            poses: self.poses,
            most_persons: self.most_persons,
            frames_at_limit: self.frames_at_limit,
            limit: (self.frames_at_limit > 0).then(|| limit(self.frames_at_limit, settings)),
            views: named::<PoseView>(&self.views),
            pose_types: named::<PoseType>(&self.types),
            diversity: diversity(&self.types),
            unique_pose_types: self.types.len(),
            tracks: self.tracks,
            mean_track_frames: share(self.track_frames as f64, self.tracks),
            interpolated: self.interpolated,
            sequence_types: named::<SequenceType>(&self.sequences),
            jitter_raw: share(self.jitter.0, self.jitter.2),
            jitter_smoothed: share(self.jitter.1, self.jitter.2),
        }
    }
}

/// What is said of frames in which there may be more persons.
fn limit(frames: u64, settings: &PoseSettings) -> String {
    let tiles = if settings.tiles == 0 { 4 } else { settings.tiles + 1 };
    format!(
        "{frames} frames are at the model's limit of {MOST} persons in each part that is searched: set pose.tiles to {tiles} or \
         more to find others"
    )
}

/// Counts by the names that records have for the values.
fn named<E: TryFrom<i32> + Serialize>(counts: &BTreeMap<i32, u64>) -> BTreeMap<String, u64> {
    let name = |value: i32| serde_json::to_value(E::try_from(value).ok()?).ok()?.as_str().map(str::to_owned);
    counts.iter().filter_map(|(value, count)| Some((name(*value)?, *count))).collect()
}

#[cfg(test)]
mod tests;
