//! MoveNet for one person.
use crate::models::input::{fill_i32, letterbox};
use crate::person::{Person, bounds};
use crate::skeleton::Keypoints;
use framefleet_infer::{Dim, Session};
use framefleet_perception::PerceptionError;
use framefleet_stage::SetupError;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{Mat, Scalar};

/// The model when a setting names none: the catalogue has no default for this role.
pub const USUAL: &str = "movenet-thunder";
/// How much wider the box is than its keypoints on each side: the head reaches beyond the eyes.
const MARGIN: f32 = 0.08;

/// The model.
pub struct Single {
    session: Session,
    side: u32,
}

impl Single {
    pub fn new(session: Session) -> Result<Self, SetupError> {
        let inputs = session.inputs().map_err(|error| SetupError(error.to_string()))?;
        let side = inputs.first().and_then(|spec| match spec.shape.get(1) {
            Some(Dim::Fixed(side)) => u32::try_from(*side).ok(),
            _ => None,
        });
        let side = side.ok_or_else(|| SetupError(format!("model {} does not say its input's size", session.name())))?;
        Ok(Self { session, side })
    }

    /// The person of every image, in pixels of that image. The score is the keypoints' mean visibility.
    pub fn find(
        &self,
        pictures: &[BoxedRef<'_, Mat>],
        min_score: f32,
        min_visibility: f32,
    ) -> Result<Vec<Vec<Person>>, PerceptionError> {
        let size = (self.side, self.side);
        let mut found = Vec::with_capacity(pictures.len());
        self.session.run_batches::<PerceptionError>(
            pictures.len(),
            &[],
            |item, inputs| {
                let boxed = letterbox(&pictures[item], size).apply(&pictures[item], Scalar::all(0.0))?;
                Ok(fill_i32(&boxed, inputs.input::<i32>("input_int32")?)?)
            },
            |item, outputs| {
                let letterbox = letterbox(&pictures[item], size);
                let numbers: Vec<f32> = outputs.output::<f32>("Identity")?.iter().copied().collect();
                let mut keypoints = Keypoints::default();
                for (keypoint, row) in keypoints.iter_mut().zip(numbers.as_chunks::<3>().0) {
                    let [x, y] = letterbox.back([row[1] * self.side as f32, row[0] * self.side as f32]);
                    *keypoint = [x, y, row[2].clamp(0.0, 1.0)];
                }
                found.push(person(keypoints, min_score, min_visibility).into_iter().collect());
                Ok(())
            },
        )?;
        Ok(found)
    }
}

fn person(keypoints: Keypoints, min_score: f32, min_visibility: f32) -> Option<Person> {
    let score = keypoints.iter().map(|point| point[2]).sum::<f32>() / keypoints.len() as f32;
    let bbox = bounds(&keypoints, min_visibility, MARGIN)?;
    (score >= min_score).then_some(Person { bbox, score, keypoints, axis: None })
}
