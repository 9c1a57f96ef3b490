//! The half of the stage that looks at pixels: all persons of all frames of the batch, network by network.
use crate::PoseStage;
use crate::blazepose::Blazepose;
use crate::landmarks::Measured;
use crate::multi::Multi;
use crate::person::{Person, bounds};
use crate::single::Single;
use crate::skeleton::{BLAZEPOSE_TO_COCO, hundredths};
use crate::tiles::{tiles, unique};
use framefleet_infer::{InferError, ndarray::ArrayViewMutD};
use framefleet_media::annotation::Value;
use framefleet_media::{Annotation, Frame, Pose, Rendition};
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::VisionError;
use framefleet_vision::letterbox::Letterbox;
use framefleet_vision::mat::rgb8;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Rect};

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

/// A picture, or a part of one.
pub struct View<'a> {
    /// 8-bit RGB.
    pub picture: BoxedRef<'a, Mat>,
}

impl View<'_> {
    /// Where the picture lies in an input of this size.
    pub fn letterbox(&self, size: (u32, u32)) -> Letterbox {
        Letterbox::centred((self.picture.cols() as u32, self.picture.rows() as u32), size)
    }
}

/// A network or OpenCV cannot work on a picture.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The network.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// OpenCV.
    #[error(transparent)]
    Vision(#[from] VisionError),
}

impl From<opencv::Error> for WorkError {
    fn from(error: opencv::Error) -> Self {
        Self::Vision(error.into())
    }
}

impl From<WorkError> for StageError {
    /// The pictures were checked before: what fails now is the machine, and worth another try.
    fn from(error: WorkError) -> Self {
        Self::retry(error)
    }
}

/// Finds the persons of a batch.
pub fn process(stage: &PoseStage, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
    let (frames, views) = pictures(stage, batch, out)?;
    let found = find(stage, &views)?;
    let persons: Vec<(usize, &Person)> =
        found.iter().enumerate().flat_map(|(at, persons)| persons.iter().map(move |person| (at, person))).collect();
    let min_visibility = stage.settings.min_visibility as f32;
    let measured = match &stage.landmarks {
        Some(landmarks) => landmarks.measure(&views, &persons, min_visibility)?,
        None => vec![None; persons.len()],
    };
    let mut instances = vec![0; frames.len()];
    for (&(at, person), measured) in persons.iter().zip(&measured) {
        let Some(pose) = pose(
            person,
            measured.as_ref(),
            scale(stage, batch.frame_size(frames[at].number), &views[at]),
            min_visibility,
        ) else {
            continue;
        };
        let annotation = Annotation { instance: instances[at], value: Some(Value::Pose(pose)) };
        instances[at] += 1;
        out.annotate(frames[at].number, annotation);
    }
    Ok(())
}

/// The frames of the batch that are there, and their pictures.
fn pictures<'a>(
    stage: &PoseStage,
    batch: &'a Batch,
    out: &mut Outputs,
) -> Result<(Vec<&'a Frame>, Vec<View<'a>>), StageError> {
    let (mut frames, mut views) = (Vec::new(), Vec::new());
    for &number in batch.frames() {
        let Some(frame) = batch.frame(stage.settings.rendition(), number) else {
            out.fail(number, "absent", "the frame's picture is not there");
            continue;
        };
        match rgb8(&frame.image) {
            Ok(picture) => {
                frames.push(frame);
                views.push(View { picture });
            }
            Err(VisionError::OpenCv(error)) if error.code == opencv::core::StsNoMem => {
                return Err(StageError::retry(error));
            }
            Err(error) => out.fail(number, "picture", format!("this frame cannot be looked at: {error}")),
        }
    }
    Ok((frames, views))
}

/// The persons of every picture, each once, in pixels of the picture.
fn find(stage: &PoseStage, views: &[View<'_>]) -> Result<Vec<Vec<Person>>, WorkError> {
    let settings = &stage.settings;
    let (min_score, min_visibility) = (settings.min_score as f32, settings.min_visibility as f32);
    let mut parts = Vec::new();
    let mut places: Vec<(usize, Rect)> = Vec::new();
    for (at, view) in views.iter().enumerate() {
        for tile in tiles(view.picture.cols(), view.picture.rows(), settings.tiles) {
            parts.push(View { picture: Mat::roi(&view.picture, tile)? });
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
        let moved = |[x, y]: [f32; 2]| [x + tile.x as f32, y + tile.y as f32];
        all[at].extend(persons.into_iter().map(|person| person.map(moved)));
    }
    let once =
        |persons| unique(persons, settings.duplicate_similarity as f32, min_visibility, settings.max_persons as usize);
    Ok(all.into_iter().map(once).collect())
}

/// Pixels of the full frame per pixel of the picture.
fn scale(stage: &PoseStage, full: (u32, u32), view: &View<'_>) -> [f32; 2] {
    match stage.settings.rendition() {
        Rendition::Full => [1.0; 2],
        _ => [full.0 as f32 / view.picture.cols() as f32, full.1 as f32 / view.picture.rows() as f32],
    }
}

/// The person in pixels of the full frame; `None` for a detection without keypoints whose landmarks are those of nobody.
fn pose(person: &Person, measured: Option<&Measured>, scale: [f32; 2], min_visibility: f32) -> Option<Pose> {
    let measured = measured.filter(|measured| measured.score >= PRESENT);
    let (keypoints, corners) = match (person.axis, measured) {
        (None, _) => (person.keypoints, person.corners),
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
    let [sx, sy] = scale;
    let in_full = |[x0, y0, x1, y1]: [f32; 4]| [x0 * sx, y0 * sy, x1 * sx, y1 * sy];
    Some(Pose {
        r#box: in_full(corners).map(hundredths).to_vec(),
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

/// Writes a picture as whole numbers, rows first.
pub fn fill_i32(picture: &Mat, mut input: ArrayViewMutD<'_, i32>) -> Result<(), WorkError> {
    for (number, byte) in input.iter_mut().zip(picture.data_bytes()?) {
        *number = i32::from(*byte);
    }
    Ok(())
}

/// Writes a picture as fractions, rows first.
pub fn fill_f32(picture: &Mat, mut input: ArrayViewMutD<'_, f32>, value: impl Fn(f32) -> f32) -> Result<(), WorkError> {
    for (number, byte) in input.iter_mut().zip(picture.data_bytes()?) {
        *number = value(f32::from(*byte));
    }
    Ok(())
}
