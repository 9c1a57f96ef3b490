//! The process half of the stage: all persons of all frames of the batch, model by model.
pub(crate) mod tiles;
use crate::PoseStage;
use crate::models::blazepose::Blazepose;
use crate::models::landmarks::Measured;
use crate::models::multi::Multi;
use crate::models::single::Single;
use crate::person::{Person, bounds};
use crate::process::tiles::{tiles, unique};
use crate::skeleton::{BLAZEPOSE_TO_COCO, hundredths};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Pose};
use framefleet_perception::tiles::Tile;
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::{Batch, Outputs, StageError};
use opencv::core::{Mat, MatTraitConst};

/// Landmarks of a lower score are those of nobody (BlazePose's own threshold).
const PRESENT: f32 = 0.5;
/// How much wider the box around landmarks is than its points, on each side.
const MARGIN: f32 = 0.08;

/// How persons are found.
pub enum Detection {
    /// MoveNet multi-pose.
    Multi(Multi),
    /// MoveNet for one person.
    Single(Single),
    /// BlazePose's detector.
    Blazepose(Blazepose),
}

/// Finds the persons of a batch.
pub fn process(stage: &PoseStage, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
    let mut views = Vec::with_capacity(batch.frames().len());
    for &number in batch.frames() {
        views.extend(FrameView::or_fail(batch, stage.settings.rendition(), number, out)?);
    }
    let found = find(stage, &views)?;
    let persons: Vec<(usize, &Person)> =
        found.iter().enumerate().flat_map(|(at, persons)| persons.iter().map(move |person| (at, person))).collect();
    let min_visibility = stage.settings.min_visibility as f32;
    let measured = match &stage.landmarks {
        Some(landmarks) => landmarks.measure(&views, &persons, min_visibility)?,
        None => vec![None; persons.len()],
    };
    let mut instances = vec![0; views.len()];
    for (&(at, person), measured) in persons.iter().zip(&measured) {
        let Some(pose) = pose(person, measured.as_ref(), &views[at], min_visibility) else {
            continue;
        };
        let annotation = Annotation { instance: instances[at], value: Some(Value::Pose(pose)) };
        instances[at] += 1;
        out.annotate(views[at].number(), annotation);
    }
    Ok(())
}

/// The persons of every view, each once, in pixels of the view.
fn find(stage: &PoseStage, views: &[FrameView<'_>]) -> Result<Vec<Vec<Person>>, PerceptionError> {
    let settings = &stage.settings;
    let (min_score, min_visibility) = (settings.min_score as f32, settings.min_visibility as f32);
    let mut parts = Vec::new();
    let mut places: Vec<(usize, Tile)> = Vec::new();
    for (at, view) in views.iter().enumerate() {
        for tile in tiles((view.rgb().cols(), view.rgb().rows()), settings.tiles) {
            parts.push(Mat::roi(view.rgb(), tile.place)?);
            places.push((at, tile));
        }
    }
    let found = match &stage.detection {
        Detection::Multi(multi) => multi.find(&parts, min_score)?,
        Detection::Single(single) => single.find(&parts, min_score, min_visibility)?,
        Detection::Blazepose(blazepose) => blazepose.find(&parts, min_score)?,
    };
    let mut all = vec![Vec::new(); views.len()];
    for (persons, (at, tile)) in found.into_iter().zip(places) {
        all[at].extend(persons.into_iter().map(|person| person.map(|point| tile.back(point))));
    }
    let once =
        |persons| unique(persons, settings.duplicate_similarity as f32, min_visibility, settings.max_persons as usize);
    Ok(all.into_iter().map(once).collect())
}

/// The person in pixels of the full frame; `None` for a detection without keypoints whose landmarks are those of nobody.
fn pose(person: &Person, measured: Option<&Measured>, view: &FrameView<'_>, min_visibility: f32) -> Option<Pose> {
    let measured = measured.filter(|measured| measured.score >= PRESENT);
    let (keypoints, bbox) = match (person.axis, measured) {
        (None, _) => (person.keypoints, person.bbox),
        (Some(_), Some(measured)) => {
            let keypoints = BLAZEPOSE_TO_COCO.map(|at| {
                let [x, y, _, visibility] = measured.points[at];
                [x, y, visibility]
            });
            let points = measured.points.map(|[x, y, _, visibility]| [x, y, visibility]);
            (keypoints, bounds(&points, min_visibility, MARGIN)?)
        }
        (Some(_), None) => return None,
    };
    let [sx, sy] = view.scale();
    Some(Pose {
        r#box: view.box_in_full(bbox).map(hundredths).to_vec(),
        score: person.score,
        keypoints: keypoints
            .iter()
            .flat_map(|[x, y, v]| [hundredths(x * sx), hundredths(y * sy), rounded(*v)])
            .collect(),
        landmarks: measured.map_or_else(Vec::new, |measured| {
            let point =
                |[x, y, z, v]: &[f32; 4]| [hundredths(x * sx), hundredths(y * sy), hundredths(z * sx), rounded(*v)];
            measured.points.iter().flat_map(point).collect()
        }),
        landmarks_score: measured.map(|measured| measured.score),
        ..Pose::default()
    })
}

/// A share to four digits.
fn rounded(share: f32) -> f32 {
    (share * 1e4).round() / 1e4
}
