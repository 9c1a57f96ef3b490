//! Models that take one image and give its foreground: MediaPipe's selfie segmentation and IS-Net.
use crate::input::view::resized;
use crate::settings::{PERSON, STILL_MATTING};
use framefleet_infer::{Dim, ElementType, Session, TensorSpec};
use framefleet_perception::PerceptionError;
use ndarray::{ArrayViewD, ArrayViewMutD};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, Scalar, Size, Vector};
use opencv::prelude::*;

/// A model whose input is one RGB image, stretched to its size, and whose first output is a soft mask, 0–1.
pub struct Foreground {
    session: Session,
    input: String,
    output: String,
    size: Size,
    channels_last: bool,
    /// What is taken off a byte, and what the rest is multiplied by.
    scaling: (f32, f32),
}

impl Foreground {
    /// Takes the model of a role: [`PERSON`] takes bytes as 0–1, [`STILL_MATTING`] as −0.5 to 0.5.
    pub fn new(session: Session, role: &'static str) -> Result<Self, PerceptionError> {
        let (inputs, outputs) = (session.inputs()?, session.outputs()?);
        let problem = |problem: &str| PerceptionError::Model {
            model: session.name().to_owned(),
            role,
            problem: format!(
                "{problem}; it takes {}",
                inputs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            ),
        };
        let [input] = &inputs[..] else { return Err(problem("it must take one picture")) };
        let (size, channels_last) = match sizes(input)[..] {
            [_, 3, height, width] => (Size::new(width, height), false),
            [_, height, width, 3] => (Size::new(width, height), true),
            _ => return Err(problem("it must take [1, 3, height, width] or [1, height, width, 3]")),
        };
        // An open first axis is as long as a micro-batch, here.
        let pixels = size.width * size.height * sizes(input)[0].max(1);
        let gives_soft_mask = |spec: &&TensorSpec| {
            spec.element == ElementType::F32 && sizes(spec).iter().product::<i32>() == pixels && pixels > 0
        };
        let output =
            outputs.iter().find(gives_soft_mask).ok_or_else(|| problem("no output has one number per pixel"))?;
        let scaling = if role == STILL_MATTING { (128.0, 1.0 / 256.0) } else { (0.0, 1.0 / 255.0) };
        let (input, output) = (input.name.clone(), output.name.clone());
        Ok(Self { session, input, output, size, channels_last, scaling })
    }

    /// The size of what it sees, pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Soft mask of each image (RGB, 8 bits, any size): `CV_32FC1` of [`Self::size`].
    pub fn run(&self, pictures: &[BoxedRef<'_, Mat>]) -> Result<Vec<Mat>, PerceptionError> {
        let mut result = Vec::with_capacity(pictures.len());
        self.session.run_batches(
            pictures.len(),
            &[],
            |item, inputs| {
                let stretched = resized(&pictures[item], self.size)?;
                self.write(&stretched, inputs.input::<f32>(&self.input)?)
            },
            |_, outputs| {
                result.push(self.read(&outputs.output::<f32>(&self.output)?)?);
                Ok(())
            },
        )?;
        Ok(result)
    }

    /// Writes an image (RGB, 8 bits, of the model's size) as the model's numbers.
    fn write(&self, picture: &Mat, mut into: ArrayViewMutD<'_, f32>) -> Result<(), PerceptionError> {
        let mut numbers = Mat::default();
        let (times, plus) = (f64::from(self.scaling.1), f64::from(-self.scaling.0 * self.scaling.1));
        picture.convert_to(&mut numbers, core::CV_32F, times, plus)?;
        let planes = if self.channels_last {
            vec![numbers]
        } else {
            let mut planes = Vector::<Mat>::new();
            core::split(&numbers, &mut planes)?;
            planes.to_vec()
        };
        let mut rest = into.as_slice_mut().unwrap_or_default();
        for plane in planes {
            let flat = plane.reshape_def(1)?;
            let from = flat.data_typed::<f32>()?;
            let Some((place, after)) = rest.split_at_mut_checked(from.len()) else { break };
            place.copy_from_slice(from);
            rest = after;
        }
        Ok(())
    }

    fn read(&self, soft_mask: &ArrayViewD<'_, f32>) -> Result<Mat, PerceptionError> {
        let mut mat =
            Mat::new_rows_cols_with_default(self.size.height, self.size.width, core::CV_32FC1, Scalar::default())?;
        // What is no number covers nothing.
        let clean = |value: &f32| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
        mat.data_typed_mut::<f32>()?.iter_mut().zip(soft_mask).for_each(|(into, value)| *into = clean(value));
        Ok(mat)
    }
}

/// Sizes of axes, 0 where open.
fn sizes(spec: &TensorSpec) -> Vec<i32> {
    spec.shape.iter().map(|dim| if let Dim::Fixed(size) = dim { *size as i32 } else { 0 }).collect()
}

/// What a model of this kind says it sees.
pub fn label(role: &str) -> &'static str {
    if role == PERSON { "person" } else { "" }
}
