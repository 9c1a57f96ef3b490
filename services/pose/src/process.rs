//! The process half of the stage: all persons of all frames of the batch, model by model.
mod search;
pub(crate) mod tiles;
use crate::PoseStage;
use crate::models::blazepose::Blazepose;
use crate::models::landmarks::Measured;
use crate::models::multi::Multi;
use crate::models::single::Single;
use crate::person::{Person, bounds};
use crate::process::search::Search;
use crate::skeleton::{BLAZEPOSE_TO_COCO, hundredths};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, ItemKind, Pose};
use framefleet_perception::FrameView;
use framefleet_stage::{Batch, Outputs, StageError};

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
    let is_stills = batch.item().kind() == ItemKind::Stills;
    let found = Search::new(&stage.detection, &stage.settings, is_stills).find(&views)?;
    let persons: Vec<(usize, &Person)> =
        found.iter().enumerate().flat_map(|(at, found)| found.persons.iter().map(move |person| (at, person))).collect();
    let min_visibility = stage.settings.min_visibility as f32;
    let measured = match &stage.landmarks {
        Some(landmarks) => landmarks.measure(&views, &persons, min_visibility)?,
        None => vec![None; persons.len()],
    };
    let mut instances = vec![0; views.len()];
    for (&(at, person), measured) in persons.iter().zip(&measured) {
        let Some(mut pose) = pose(person, measured.as_ref(), &views[at], min_visibility) else {
            continue;
        };
        pose.at_limit = found[at].at_limit.then_some(true);
        let annotation = Annotation { instance: instances[at], value: Some(Value::Pose(pose)) };
        instances[at] += 1;
        out.annotate(views[at].number(), annotation);
    }
    Ok(())
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
    let seen = |x: f32, y: f32, visibility: f32| if is_inside(view, [x, y]) { rounded(visibility) } else { 0.0 };
    Some(Pose {
        r#box: view.box_in_full(bbox).map(hundredths).to_vec(),
        score: person.score,
        keypoints: keypoints
            .iter()
            .flat_map(|[x, y, v]| [hundredths(x * sx), hundredths(y * sy), seen(*x, *y, *v)])
            .collect(),
        landmarks: measured.map_or_else(Vec::new, |measured| {
            let point = |[x, y, z, v]: &[f32; 4]| {
                [hundredths(x * sx), hundredths(y * sy), hundredths(z * sx), seen(*x, *y, *v)]
            };
            measured.points.iter().flat_map(point).collect()
        }),
        landmarks_score: measured.map(|measured| measured.score),
        ..Pose::default()
    })
}

/// Whether a point of a view lies in it: what lies outside is not seen.
fn is_inside(view: &FrameView<'_>, [x, y]: [f32; 2]) -> bool {
    let (width, height) = view.size();
    (0.0..=width as f32).contains(&x) && (0.0..=height as f32).contains(&y)
}

/// A share to four digits.
fn rounded(share: f32) -> f32 {
    (share * 1e4).round() / 1e4
}
