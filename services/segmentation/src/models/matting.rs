//! Robust Video Matting (Lin et al. 2021): alpha mattes of the persons in a video, with a memory of what was seen.
use crate::input::view::resized;
use crate::settings::VIDEO_MATTING;
use framefleet_infer::{Session, TensorView};
use framefleet_perception::PerceptionError;
use ndarray::Array4;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, Scalar, Size};
use opencv::prelude::*;

/// The model's sides are multiples of this, pixels.
const STEP: i32 = 16;
/// Channels of its four states.
const STATES: [(&str, &str, usize); 4] =
    [("r1i", "r1o", 16), ("r2i", "r2o", 20), ("r3i", "r3o", 40), ("r4i", "r4o", 64)];

/// The model. It takes `src` [1, height, width, 3] as 0–1 and states `r1i`–`r4i`, and gives `pha` [1, height, width, 1] and `r1o`–`r4o`.
pub struct Matting {
    session: Session,
}

/// What one eye has seen.
pub type Memory = [Array4<f32>; 4];

impl Matting {
    /// Takes a model with the inputs and outputs that are named above.
    pub fn new(session: Session) -> Result<Self, PerceptionError> {
        let (inputs, outputs) = (session.inputs()?, session.outputs()?);
        let missing = |name: &&str| {
            let (ins, outs) = (inputs.iter().map(|spec| &spec.name), outputs.iter().map(|spec| &spec.name));
            !ins.chain(outs).any(|known| known == name)
        };
        let names = ["src", "pha"].into_iter().chain(STATES.iter().flat_map(|(input, output, _)| [*input, *output]));
        let absent: Vec<&str> = names.filter(missing).collect();
        if !absent.is_empty() {
            let problem = format!("it has no {}", absent.join(", "));
            return Err(PerceptionError::Model { model: session.name().to_owned(), role: VIDEO_MATTING, problem });
        }
        Ok(Self { session })
    }

    /// The memory of `eyes` before the first frame.
    pub fn nothing_seen(&self, eyes: usize) -> Vec<Memory> {
        let empty = || STATES.map(|(_, _, channels)| Array4::zeros((1, 1, 1, channels)));
        std::iter::repeat_with(empty).take(eyes).collect()
    }

    /// Alpha matte of an image (RGB, 8 bits), of its size, after what is in `memory`, which is brought up to date.
    pub fn run(&self, picture: &BoxedRef<'_, Mat>, memory: &mut Memory, side: i32) -> Result<Mat, PerceptionError> {
        let size = inside(picture.size()?, side);
        let scaled = resized(picture, size)?;
        let (height, width) = (size.height as usize, size.width as usize);
        let mut source = Array4::<f32>::zeros((1, height, width, 3));
        source.iter_mut().zip(scaled.data_bytes()?).for_each(|(into, byte)| *into = f32::from(*byte) / 255.0);
        // A state of another size is of an image of another size: seen is nothing.
        let state_height = |memory: &Memory| memory[0].shape()[1];
        if state_height(memory) > 1 && state_height(memory) != height.div_ceil(2) {
            *memory = STATES.map(|(_, _, channels)| Array4::zeros((1, 1, 1, channels)));
        }
        let mut inputs: Vec<(&str, TensorView<'_>)> = vec![("src", TensorView::from(&source))];
        inputs.extend(STATES.iter().zip(memory.iter()).map(|((name, _, _), state)| (*name, TensorView::from(state))));
        let outputs = self.session.run(&inputs)?;
        let mut soft_mask =
            Mat::new_rows_cols_with_default(size.height, size.width, core::CV_32FC1, Scalar::default())?;
        let pha = outputs.get::<f32>("pha")?;
        let clean = |value: &f32| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
        soft_mask.data_typed_mut::<f32>()?.iter_mut().zip(&pha).for_each(|(into, value)| *into = clean(value));
        for ((_, name, _), state) in STATES.iter().zip(memory.iter_mut()) {
            let next = outputs.get::<f32>(name)?.into_dimensionality();
            *state = next.map_err(|error| PerceptionError::Model {
                model: self.session.name().to_owned(),
                role: VIDEO_MATTING,
                problem: format!("state {name}: {error}"),
            })?;
        }
        Ok(resized(&soft_mask, picture.size()?)?)
    }
}

/// The size that the model sees: a long side of at most `side`, both multiples of [`STEP`].
fn inside(picture: Size, side: i32) -> Size {
    let scale = f64::from(side.min(picture.width.max(picture.height))) / f64::from(picture.width.max(picture.height));
    let length = |of: i32| ((f64::from(of) * scale / f64::from(STEP)).round() as i32).max(1) * STEP;
    Size::new(length(picture.width), length(picture.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_multiples_of_sixteen() {
        assert_eq!(inside(Size::new(640, 360), 512), Size::new(512, 288));
        assert_eq!(inside(Size::new(360, 640), 512), Size::new(288, 512));
        assert_eq!(inside(Size::new(100, 5), 512), Size::new(96, 16));
    }
}
