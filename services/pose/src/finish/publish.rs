//! What finish writes: amendments of poses, poses between, and tracks.
use crate::PoseSettings;
use crate::geometry::geometry;
use crate::skeleton::{Keypoints, hundredths};
use crate::tracks::character::{diversity, jitter, movement, sequence_type};
use crate::tracks::gaps::TrackPose;
use crate::tracks::series::FramePoses;
use framefleet_frames::TrackEnd;
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Amendment, Annotation, FrameRange, PersonTrack, PoseGeometry, PoseType, PoseView, ScopedAnnotation,
};
use framefleet_stage::{Outputs, StageError};
use serde::Serialize;
use std::collections::BTreeMap;

/// Frames of a track that are named for showing.
const SHOWN: usize = 8;

/// Fields of a pose that finish adds.
#[derive(Default, Serialize)]
struct Added {
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    bbox: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keypoints: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interpolated: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    smoothed: Vec<f32>,
    geometry: PoseGeometry,
}

/// Numbers for instances that process did not make, by frame.
pub struct Instances(BTreeMap<usize, u32>);

impl Instances {
    /// None yet.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The next free number in a frame.
    fn next(&mut self, frame: usize, frames: &[FramePoses]) -> u32 {
        let free = || frames[frame].persons.iter().map(|person| person.instance + 1).max().unwrap_or_default();
        let next = self.0.entry(frame).or_insert_with(free);
        *next += 1;
        *next - 1
    }
}

/// A track with its number and poses.
pub struct Followed<'a> {
    pub item: &'a str,
    pub number: u32,
    pub ended: TrackEnd,
    pub poses: &'a [TrackPose],
    pub frames: &'a [FramePoses],
}

/// Writes the poses and the summary of a track; what was written.
pub fn publish(
    followed: &Followed<'_>,
    settings: &PoseSettings,
    instances: &mut Instances,
    out: &mut Outputs,
) -> Result<PersonTrack, StageError> {
    let min_visibility = settings.min_visibility as f32;
    let (mut views, mut types) = (BTreeMap::new(), BTreeMap::new());
    for pose in followed.poses {
        let geometry = geometry(&pose.smoothed, min_visibility);
        *views.entry(geometry.view).or_insert(0) += 1;
        *types.entry(geometry.pose_type).or_insert(0) += 1;
        let instance = pose.instance.unwrap_or_else(|| instances.next(pose.frame, followed.frames));
        let between = pose.instance.is_none();
        let added = Added {
            bbox: between.then(|| pose.bbox.map(hundredths).to_vec()),
            score: between.then_some(pose.score),
            keypoints: between.then(|| flat(&pose.keypoints)),
            track: Some(followed.number),
            interpolated: Some(between),
            smoothed: flat(&pose.smoothed),
            geometry,
        };
        amend(followed.item, followed.frames[pose.frame].number, instance, &added, out)?;
    }
    let track = summary(followed, min_visibility, &views, &types);
    let range = FrameRange { start: first(followed), end: last(followed) + 1 };
    out.annotate_scope(ScopedAnnotation {
        item: followed.item.to_owned(),
        range: Some(range),
        annotation: Some(Annotation { instance: followed.number, value: Some(Value::PersonTrack(track.clone())) }),
    });
    Ok(track)
}

/// Adds what the limbs say to a pose outside tracks.
pub fn publish_alone(
    item: &str,
    frame: u64,
    instance: u32,
    keypoints: &Keypoints,
    min_visibility: f32,
    out: &mut Outputs,
) -> Result<PoseGeometry, StageError> {
    let geometry = geometry(keypoints, min_visibility);
    amend(item, frame, instance, &Added { geometry, ..Added::default() }, out)?;
    Ok(geometry)
}

fn amend(item: &str, frame: u64, instance: u32, added: &Added, out: &mut Outputs) -> Result<(), StageError> {
    let json = serde_json::to_string(added).map_err(|error| StageError::Fatal(error.to_string()))?;
    out.amend(Amendment { item: item.to_owned(), frame, instance, kind: "pose".to_owned(), json });
    Ok(())
}

fn summary(
    followed: &Followed<'_>,
    min_visibility: f32,
    views: &BTreeMap<i32, u64>,
    types: &BTreeMap<i32, u64>,
) -> PersonTrack {
    let Followed { poses, frames, .. } = *followed;
    let seen: Vec<&TrackPose> = poses.iter().filter(|pose| pose.instance.is_some()).collect();
    let movement = movement(poses, frames);
    let pts = |pose: Option<&TrackPose>| pose.map_or(0, |pose| frames[pose.frame].pts_ns);
    let shown = shown(&seen);
    PersonTrack {
        track: followed.number,
        seen: seen.len() as u64,
        interpolated: (poses.len() - seen.len()) as u64,
        start_ns: pts(poses.first()),
        end_ns: pts(poses.last()),
        score_mean: seen.iter().map(|pose| pose.score).sum::<f32>() / seen.len().max(1) as f32,
        sequence_type: sequence_type(movement).into(),
        path_heights: movement.map(|movement| movement.path as f32),
        speed_mean: movement.map(|movement| movement.speed as f32),
        speed_std: movement.map(|movement| movement.speed_std as f32),
        view: mode(views, PoseView::Unspecified.into()),
        pose_type: mode(types, PoseType::Unspecified.into()),
        diversity: diversity(types) as f32,
        jitter_raw: jitter(poses, min_visibility, |pose| &pose.keypoints).map(|jitter| jitter as f32),
        jitter_smoothed: jitter(poses, min_visibility, |pose| &pose.smoothed).map(|jitter| jitter as f32),
        shown_frames: shown.iter().map(|pose| frames[pose.frame].number).collect(),
        shown_boxes: shown.iter().flat_map(|pose| pose.bbox.map(hundredths)).collect(),
        ended: followed.ended.into(),
        frames: seen.iter().map(|pose| frames[pose.frame].number).collect(),
        instances: seen.iter().filter_map(|pose| pose.instance).collect(),
    }
}

/// Poses that show a track, spread over it: of each part the one that is surest.
fn shown<'a>(seen: &[&'a TrackPose]) -> Vec<&'a TrackPose> {
    let parts = SHOWN.min(seen.len());
    let bound = |part: usize| part * seen.len() / parts.max(1);
    let best =
        |part: usize| seen[bound(part)..bound(part + 1)].iter().max_by(|a, b| a.score.total_cmp(&b.score)).copied();
    (0..parts).filter_map(best).collect()
}

/// The value that most frames have, of equals the first; `none` counts only when there is no other.
fn mode(counts: &BTreeMap<i32, u64>, none: i32) -> i32 {
    let known = counts.iter().filter(|(value, _)| **value != none);
    known.max_by_key(|(value, count)| (**count, -**value)).map_or(none, |(value, _)| *value)
}

fn first(followed: &Followed<'_>) -> u64 {
    followed.poses.first().map_or(0, |pose| followed.frames[pose.frame].number)
}

fn last(followed: &Followed<'_>) -> u64 {
    followed.poses.last().map_or(0, |pose| followed.frames[pose.frame].number)
}

fn flat(keypoints: &Keypoints) -> Vec<f32> {
    keypoints.iter().flatten().copied().map(hundredths).collect()
}
