//! Robust Video Matting (Lin et al. 2021): alpha mattes of the persons in a video, with a memory of what was seen.
use crate::input::view::resized;
use crate::settings::VIDEO_MATTING;
use framefleet_infer::{Session, TensorView};
use framefleet_perception::PerceptionError;
use ndarray::{Array1, Array4};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, Scalar, Size};
use opencv::prelude::*;

/// The model's sides are multiples of this, pixels.
const STEP: i32 = 16;
/// Channels of its four states.
const STATES: [(&str, &str, usize); 4] =
    [("r1i", "r1o", 16), ("r2i", "r2o", 20), ("r3i", "r3o", 40), ("r4i", "r4o", 64)];

/// What its publisher's own export takes besides: how much smaller than `src` the network looks at first.
const RATIO: &str = "downsample_ratio";

/// The model. It takes `src` [1, height, width, 3] as 0–1 and states `r1i`–`r4i`, and gives `pha` [1, height, width, 1] and `r1o`–`r4o`.
/// Its publisher's own export takes `downsample_ratio` as well, and has channels as second axis.
pub struct Matting {
    session: Session,
    channels_first: bool,
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
        let channels_first = inputs.iter().any(|spec| spec.name == RATIO);
        Ok(Self { session, channels_first })
    }

    /// The memory of `eyes` before the first frame.
    pub fn nothing_seen(&self, eyes: usize) -> Vec<Memory> {
        std::iter::repeat_with(|| self.empty()).take(eyes).collect()
    }

    fn empty(&self) -> Memory {
        // The publisher's export spreads one number over whatever size the state gets.
        STATES.map(|(_, _, channels)| Array4::zeros((1, 1, 1, if self.channels_first { 1 } else { channels })))
    }

    /// Alpha matte of an image (RGB, 8 bits), of its size, after what is in `memory`, which is brought up to date.
    pub fn run(&self, picture: &BoxedRef<'_, Mat>, memory: &mut Memory, side: i32) -> Result<Mat, PerceptionError> {
        let size = inside(picture.size()?, side);
        let scaled = resized(picture, size)?;
        let (height, width) = (size.height as usize, size.width as usize);
        let mut source = Array4::<f32>::zeros((1, height, width, 3));
        source.iter_mut().zip(scaled.data_bytes()?).for_each(|(into, byte)| *into = f32::from(*byte) / 255.0);
        if self.channels_first {
            source = source.permuted_axes([0, 3, 1, 2]).as_standard_layout().into_owned();
        }
        // A state of another size is of an image of another size: seen is nothing.
        let state_height = |memory: &Memory| memory[0].shape()[if self.channels_first { 2 } else { 1 }];
        if state_height(memory) > 1 && state_height(memory) != height.div_ceil(2) {
            *memory = self.empty();
        }
        // What the model sees is as small already as it would make it.
        let ratio = Array1::<f32>::ones(1);
        let mut inputs: Vec<(&str, TensorView<'_>)> = vec![("src", TensorView::from(&source))];
        if self.channels_first {
            inputs.push((RATIO, TensorView::from(&ratio)));
        }
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
