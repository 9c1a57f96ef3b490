//! Telling persons apart: a face in, a vector out that is similar for images of one person.
use crate::face::tensor::{Order, Planes};
use framefleet_infer::Session;
use framefleet_perception::PerceptionError;
use framefleet_stage::SetupError;
use framefleet_vision::VisionError;
use framefleet_vision::alignment::Similarity;
use opencv::core::{BORDER_CONSTANT, Mat, Scalar, ToInputArray};

/// Side of an aligned face, pixels.
pub const SIDE: u32 = 112;
/// Where the landmarks lie in an aligned face: the positions that ArcFace and its successors were trained with.
pub const TEMPLATE: [[f32; 2]; 5] =
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

/// Models whose numbers are understood, by the names of input and output: (name, input, output, planes).
const KNOWN: [(&str, &str, &str, Planes); 2] = [
    ("SFace", "data", "fc1", Planes { order: Order::Rgb, shift: 0.0, scale: 1.0 }),
    ("MobileFaceNet (ArcFace)", "input.1", "516", Planes { order: Order::Rgb, shift: 127.5, scale: 1.0 / 127.5 }),
];

/// The face in the position that models expect: RGB, CV_8UC3, 112 × 112, black outside the image. `None` when the
/// landmarks are one point.
pub fn align(rgb: &impl ToInputArray, landmarks: &[[f32; 2]; 5]) -> Result<Option<Mat>, VisionError> {
    let Some(similarity) = Similarity::estimate(landmarks, &TEMPLATE) else { return Ok(None) };
    similarity.warp(rgb, (SIDE, SIDE), BORDER_CONSTANT, Scalar::all(0.0)).map(Some)
}

/// A vector of length 1 and the length that it had.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// Of length 1.
    pub vector: Vec<f32>,
    /// The model's length.
    pub norm: f32,
}

/// An embedding model, ready to run.
pub struct Embedder {
    session: Session,
    input: &'static str,
    output: &'static str,
    planes: Planes,
}

impl Embedder {
    /// The embedder that a model is.
    ///
    /// # Errors
    /// An architecture that the stage does not know.
    pub fn new(session: Session) -> Result<Self, SetupError> {
        let wrong = |error: framefleet_infer::InferError| SetupError(error.to_string());
        let (inputs, outputs) = (session.inputs().map_err(wrong)?, session.outputs().map_err(wrong)?);
        let known = KNOWN.iter().find(|(_, input, output, _)| {
            inputs.iter().any(|spec| spec.name == *input) && outputs.iter().any(|spec| spec.name == *output)
        });
        let Some((_, input, output, planes)) = known else {
            let names = KNOWN.map(|(name, ..)| name).join(", ");
            return Err(SetupError(format!(
                "{} is no face embedder of an architecture that this stage knows ({names}): set face-clustering.embedder \
                 to one that is",
                session.name()
            )));
        };
        Ok(Self { session, input, output, planes: *planes })
    }

    /// Vectors of aligned faces (see [`align`]), in micro-batches.
    pub fn embed(&self, faces: &[&Mat]) -> Result<Vec<Embedding>, PerceptionError> {
        let mut embeddings = Vec::with_capacity(faces.len());
        self.session.run_batches::<PerceptionError>(
            faces.len(),
            &[],
            |number, inputs| Ok(self.planes.write(faces[number], inputs.input::<f32>(self.input)?)?),
            |_, outputs| {
                embeddings.push(unit(outputs.output::<f32>(self.output)?.iter().copied().collect()));
                Ok(())
            },
        )?;
        Ok(embeddings)
    }
}

/// A vector made 1 long. One without direction stays empty: it resembles nobody.
fn unit(vector: Vec<f32>) -> Embedding {
    let norm = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt() as f32;
    if !(norm.is_finite() && norm > f32::EPSILON) {
        return Embedding::default();
    }
    Embedding { vector: vector.into_iter().map(|number| number / norm).collect(), norm }
}
