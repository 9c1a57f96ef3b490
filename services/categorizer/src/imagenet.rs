//! Classifiers of ImageNet: a picture in, an embedding and the log-probabilities of 1000 classes out.
use crate::CategorizerStage;
use crate::process::cutout::Cutout;
use crate::words::CLASSES;
use framefleet_infer::{Dim, Session};
use framefleet_perception::{PerceptionError, require};
use framefleet_stage::{Host, SetupError};
use framefleet_vision::VisionError;
use opencv::core::{Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Role in the catalogue.
pub const ROLE: &str = "image-classification";

/// Share of a frame's short side that is looked at: what EfficientNet-lite was trained with.
const CENTRE: f64 = 224.0 / 256.0;

/// What a model makes of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Of length 1; empty for a vector without direction.
    pub vector: Vec<f32>,
    /// Log-probabilities of the classes.
    pub classes: Vec<f32>,
}

/// An opened classifier.
pub struct Classifier {
    session: Session,
    input: String,
    side: i32,
}

impl Classifier {
    /// Opens the model that the plan names.
    ///
    /// # Errors
    /// A model that does not take RGB planes of one square size, or does not give `logits` of 1000 classes and an `embedding`.
    pub fn open(host: &Host) -> Result<Self, SetupError> {
        let session = require::<CategorizerStage>(host, ROLE)?;
        let wrong = |error: framefleet_infer::InferError| SetupError(error.to_string());
        let (inputs, outputs) = (session.inputs().map_err(wrong)?, session.outputs().map_err(wrong)?);
        let square = inputs.first().and_then(|input| match input.shape[..] {
            [_, Dim::Fixed(3), Dim::Fixed(height), Dim::Fixed(width)] if height == width => {
                Some((input.name.clone(), width as i32))
            }
            _ => None,
        });
        let gives = |name: &str| outputs.iter().find(|spec| spec.name == name);
        let is_known = gives("embedding").is_some()
            && gives("logits").is_some_and(|spec| matches!(spec.shape[..], [_, Dim::Fixed(CLASSES)]));
        let Some((input, side)) = square.filter(|_| is_known) else {
            return Err(SetupError(format!(
                "{} is no classifier of ImageNet that this stage knows: it must take [N, 3, side, side] and give logits of {CLASSES} \
                 classes and an embedding; set categorizer.model to one that does",
                session.name()
            )));
        };
        Ok(Self { session, input, side })
    }

    /// Id of the model.
    pub fn name(&self) -> &str {
        self.session.name()
    }

    /// What it makes of pictures, in micro-batches.
    ///
    /// # Errors
    /// A run that fails, and a picture that OpenCV refuses.
    pub fn see(&self, pictures: &[&Cutout]) -> Result<Vec<Seen>, PerceptionError> {
        let mut seen = Vec::with_capacity(pictures.len());
        self.session.run_batches::<PerceptionError>(
            pictures.len(),
            &[],
            |at, inputs| {
                let picture = prepared(pictures[at], self.side)?;
                let mut planes = inputs.input::<f32>(&self.input)?;
                let planes = planes
                    .as_slice_mut()
                    .ok_or_else(|| VisionError::Invalid("input of the model is in pieces".to_owned()))?;
                let pixels = picture.data_bytes()?;
                let plane = pixels.len() / 3;
                for (place, rgb) in pixels.as_chunks::<3>().0.iter().enumerate() {
                    for (channel, value) in rgb.iter().enumerate() {
                        planes[channel * plane + place] = (f32::from(*value) - 127.0) / 128.0;
                    }
                }
                Ok(())
            },
            |_, outputs| {
                let vector = unit(outputs.output::<f32>("embedding")?.iter().copied());
                let classes = log_probabilities(outputs.output::<f32>("logits")?.iter().copied().collect());
                seen.push(Seen { vector, classes });
                Ok(())
            },
        )?;
        Ok(seen)
    }
}

/// The square that the model sees: the middle of a frame, or all of a cut-out, which is square already.
fn prepared(picture: &Cutout, side: i32) -> Result<Mat, VisionError> {
    let (width, height) = (picture.rgb.cols(), picture.rgb.rows());
    let share = if picture.is_whole { CENTRE } else { 1.0 };
    let length = ((f64::from(width.min(height)) * share).round() as i32).max(1);
    let middle = Rect::new((width - length) / 2, (height - length) / 2, length, length);
    let middle = Mat::roi(&picture.rgb, middle)?;
    let method = if length > side { imgproc::INTER_AREA } else { imgproc::INTER_CUBIC };
    let mut square = Mat::default();
    imgproc::resize(&middle, &mut square, Size::new(side, side), 0.0, 0.0, method)?;
    Ok(square)
}

/// A vector made 1 long; empty where it has no direction.
fn unit(vector: impl Iterator<Item = f32>) -> Vec<f32> {
    let vector: Vec<f32> = vector.collect();
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt() as f32;
    if !(length.is_finite() && length > f32::EPSILON) {
        return Vec::new();
    }
    vector.into_iter().map(|number| number / length).collect()
}

/// Log-softmax.
fn log_probabilities(mut logits: Vec<f32>) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - highest).exp()).sum();
    let all = highest + sum.ln() as f32;
    logits.iter_mut().for_each(|logit| *logit -= all);
    logits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_add_up_to_one() {
        let found = log_probabilities(vec![1.0, 2.0, 3.0, 1000.0]);
        assert!((found.iter().map(|value| value.exp()).sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((found[0] + 999.0).abs() < 1e-3 && found[3].abs() < 1e-6);
    }

    #[test]
    fn vectors_are_one_long_and_nothing_has_no_direction() {
        assert_eq!(unit([3.0, 4.0].into_iter()), [0.6, 0.8]);
        assert!(unit([0.0, 0.0].into_iter()).is_empty() && unit([f32::NAN].into_iter()).is_empty());
    }
}
