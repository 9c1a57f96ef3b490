//! The faces, poses and masks of a frame, as far as it takes to join them.
use crate::process::PERSON;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Face, Kind, Mask, Pose};
use framefleet_masks::Rle;
use framefleet_stage::{Batch, StageError};
use framefleet_vision::boxes::{self, BBox};

/// A face. Pixels of the full frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FacePart {
    /// Its number in the frame.
    pub instance: u32,
    /// The box.
    pub bounds: BBox,
    /// The middle of eyes and nose; `None` without landmarks.
    pub middle: Option<[f32; 2]>,
    /// How sure the detector is, 0–1.
    pub score: f32,
}

/// A pose. Pixels of the full frame.
#[derive(Clone, Debug, PartialEq)]
pub struct PosePart {
    /// Its number in the frame.
    pub instance: u32,
    /// The box.
    pub bounds: BBox,
    /// x, y, visibility of COCO's 17 points.
    pub keypoints: Vec<[f32; 3]>,
    /// How sure it is that there is a person, 0–1.
    pub score: f32,
}

/// A mask of the full frame.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskPart {
    /// Its number in the frame.
    pub instance: u32,
    /// The box.
    pub bounds: BBox,
    /// The pixels.
    pub runs: Rle,
    /// What the model calls it; empty when it does not say.
    pub label: String,
    /// Whose picture it is of, in stereo.
    pub eye: String,
    /// The pose that it was made for: its instance.
    pub pose: Option<u32>,
    /// How sure the model is, 0–1.
    pub score: f32,
}

impl MaskPart {
    /// Whether it can be of a person.
    pub fn may_be_person(&self) -> bool {
        matches!(self.label.as_str(), "" | PERSON)
    }
}

/// The parts of a frame, each kind by instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Faces.
    pub faces: Vec<FacePart>,
    /// Poses.
    pub poses: Vec<PosePart>,
    /// Masks that are not empty.
    pub masks: Vec<MaskPart>,
}

impl Parts {
    /// Those of a frame of a batch.
    ///
    /// # Errors
    /// A mask whose run lengths are none.
    pub fn of(batch: &Batch, number: u64) -> Result<Self, StageError> {
        let mut parts = Self::default();
        for kind in ["face", "pose", "mask"].map(Kind::new) {
            for annotation in batch.annotations(number, &kind) {
                parts.add(annotation)?;
            }
        }
        Ok(parts)
    }

    fn add(&mut self, annotation: &Annotation) -> Result<(), StageError> {
        let instance = annotation.instance;
        match &annotation.value {
            Some(Value::Face(face)) => self.faces.extend(face_part(instance, face)),
            Some(Value::Pose(pose)) => self.poses.extend(pose_part(instance, pose)),
            Some(Value::Mask(mask)) => self.masks.extend(mask_part(instance, mask)?),
            _ => {}
        }
        Ok(())
    }
}

fn bounds(of: &[f32]) -> Option<BBox> {
    let found: BBox = of.try_into().ok()?;
    (found.iter().all(|value| value.is_finite()) && boxes::area(&found) > 0.0).then_some(found)
}

fn face_part(instance: u32, face: &Face) -> Option<FacePart> {
    let (points, _) = face.landmarks.as_chunks::<2>();
    // Eyes and nose come first.
    let middle = points.get(..3).map(|points| {
        let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f32>() / 3.0;
        [mean(0), mean(1)]
    });
    let middle = middle.filter(|middle| middle.iter().all(|value| value.is_finite()));
    Some(FacePart { instance, bounds: bounds(&face.r#box)?, middle, score: face.score })
}

fn pose_part(instance: u32, pose: &Pose) -> Option<PosePart> {
    let keypoints = pose.keypoints.as_chunks::<3>().0.to_vec();
    Some(PosePart { instance, bounds: bounds(&pose.r#box)?, keypoints, score: pose.score })
}

fn mask_part(instance: u32, mask: &Mask) -> Result<Option<MaskPart>, StageError> {
    let Some(lengths) = &mask.run_lengths else { return Ok(None) };
    let runs = Rle::parse(lengths).map_err(StageError::bad_input)?;
    Ok(runs.bounds().map(|bounds| MaskPart {
        instance,
        bounds: bounds.map(|side| side as f32),
        runs,
        label: mask.label.clone(),
        eye: mask.eye.clone(),
        pose: mask.pose,
        score: mask.score,
    }))
}
