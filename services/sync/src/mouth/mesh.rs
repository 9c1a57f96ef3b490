//! Mesh models: a face in, points of its mouth out. Those with attention refine the lips, and their lips are taken.
use framefleet_infer::{Dim, ElementType, InferError, ItemInputs, ItemOutputs, Session, TensorSpec};
use framefleet_perception::PerceptionError;
use framefleet_stage::SetupError;
use opencv::core::{CV_32F, Mat};
use opencv::prelude::*;

/// Numbers of the mesh: x, y, z of 468 points.
const MESH: usize = 468 * 3;
/// Numbers of the refined lips: x, y of 80 points.
const LIPS: usize = 80 * 2;

/// Points of the mesh, by MediaPipe's numbers: corners of the outer lips; three pairs of the inner lips around the middle, upper and
/// lower; left and right edge of the face and the bridge of the nose.
const CORNERS: [usize; 2] = [61, 291];
const UPPER: [usize; 3] = [82, 13, 312];
const LOWER: [usize; 3] = [87, 14, 317];
const EDGES: [usize; 2] = [234, 454];
const BRIDGE: usize = 168;
/// The same points among the refined lips: outer contour 0–19, inner 20–39, both from the left corner along the lower lip and back.
const REFINED_CORNERS: [usize; 2] = [0, 10];
const REFINED_UPPER: [usize; 3] = [34, 35, 36];
const REFINED_LOWER: [usize; 3] = [24, 25, 26];

/// What a mesh says of a mouth: pixels of its input region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lips {
    /// Left and right corner, as the viewer sees them.
    pub corners: [[f32; 2]; 2],
    /// Middle of the upper inner lip, three points from left to right.
    pub upper: [[f32; 2]; 3],
    /// Middle of the lower inner lip.
    pub lower: [[f32; 2]; 3],
    /// Left and right edge of the face, at the height of the ears.
    pub edges: [[f32; 2]; 2],
    /// Bridge of the nose.
    pub bridge: [f32; 2],
    /// Probability that there is a face.
    pub presence: f32,
}

/// A mesh model, recognised by the tensors it takes and gives.
pub struct FaceMesh {
    session: Session,
    input: String,
    side: u32,
    mesh: String,
    lips: Option<String>,
    presence: String,
}

impl FaceMesh {
    /// Takes a model with input [N, side, side, 3] RGB 0..1 and gives 468 points in pixels of that.
    ///
    /// # Errors
    /// A model of other inputs or outputs.
    pub fn new(session: Session) -> Result<Self, SetupError> {
        let problem = |error: InferError| SetupError(format!("the mesh model cannot be opened: {error}"));
        let (inputs, outputs) = (session.inputs().map_err(problem)?, session.outputs().map_err(problem)?);
        let named = |numbers: usize| {
            let found = outputs.iter().find(|spec| item_size(spec) == Some(numbers));
            found.map(|spec| spec.name.clone())
        };
        let parts = (inputs.first().and_then(picture_side), named(MESH), named(1));
        let (Some(side), Some(mesh), Some(presence)) = parts else {
            let list = |specs: &[TensorSpec]| specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(SetupError(format!(
                "{} is no face mesh: needed are an input [N, side, side, 3] and outputs of {MESH} and 1 numbers; it has {} and {}",
                session.name(),
                list(&inputs),
                list(&outputs)
            )));
        };
        let input = inputs.first().map(|spec| spec.name.clone()).unwrap_or_default();
        Ok(Self { input, side, mesh, lips: named(LIPS), presence, session })
    }

    /// Width and height of its input region, pixels.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Looks at `count` regions in micro-batches. `cut` gives a region's pixels (`CV_8UC3`, RGB, [`Self::side`] wide and high), `take`
    /// gets its lips; both are called in order.
    pub fn run(
        &self,
        count: usize,
        mut cut: impl FnMut(usize) -> Result<Mat, PerceptionError>,
        mut take: impl FnMut(usize, Lips),
    ) -> Result<(), PerceptionError> {
        self.session.run_batches(
            count,
            &[],
            |item, inputs| self.fill(&cut(item)?, inputs),
            |item, outputs| {
                take(item, self.lips(outputs)?);
                Ok(())
            },
        )
    }

    fn fill(&self, region: &Mat, inputs: &mut ItemInputs<'_, '_>) -> Result<(), PerceptionError> {
        let mut tensor = inputs.input::<f32>(&self.input)?;
        let mut numbers = Mat::default();
        region.convert_to(&mut numbers, CV_32F, 1.0 / 255.0, 0.0)?;
        let numbers = numbers.reshape_def(1)?;
        tensor.iter_mut().zip(numbers.data_typed::<f32>()?).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn lips(&self, outputs: &ItemOutputs<'_, '_>) -> Result<Lips, InferError> {
        let numbers = |name: &str| Ok::<Vec<f32>, InferError>(outputs.output::<f32>(name)?.iter().copied().collect());
        let mesh = numbers(&self.mesh)?;
        let point = |index: usize| [mesh[3 * index], mesh[3 * index + 1]];
        let logit = numbers(&self.presence)?.first().copied().unwrap_or(f32::NEG_INFINITY);
        let of_mesh = Lips {
            corners: CORNERS.map(point),
            upper: UPPER.map(point),
            lower: LOWER.map(point),
            edges: EDGES.map(point),
            bridge: point(BRIDGE),
            presence: 1.0 / (1.0 + (-logit).exp()),
        };
        let Some(name) = &self.lips else { return Ok(of_mesh) };
        let lips = numbers(name)?;
        let point = |index: usize| [lips[2 * index], lips[2 * index + 1]];
        Ok(Lips {
            corners: REFINED_CORNERS.map(point),
            upper: REFINED_UPPER.map(point),
            lower: REFINED_LOWER.map(point),
            ..of_mesh
        })
    }
}

/// Width of the square RGB image that an input takes, channels last.
fn picture_side(spec: &TensorSpec) -> Option<u32> {
    match spec.shape.as_slice() {
        [_, Dim::Fixed(height), Dim::Fixed(width), Dim::Fixed(3)]
            if height == width && spec.element == ElementType::F32 =>
        {
            u32::try_from(*width).ok()
        }
        _ => None,
    }
}

/// Numbers that an output has per item.
fn item_size(spec: &TensorSpec) -> Option<usize> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Open(_) => None,
    };
    let sizes: Option<Vec<usize>> = spec.shape.iter().skip(1).map(size).collect();
    sizes.filter(|_| spec.element == ElementType::F32).map(|sizes| sizes.iter().product())
}
