//! LaMa (Suvorov et al. 2022): a model that continues structure and texture into a hole.
//!
//! It takes `image` (N × 3 × side × side, RGB 0–1) and `mask` (N × 1 × side × side, 1 in the hole), and gives `output`
//! (N × 3 × side × side): the image, filled. Exports differ in whether that is 0–1 or 0–255; since what was known comes out as it
//! went in, the scale is read off it.
use crate::ROLE;
use crate::mask::hole::Hole;
use crate::patch::Patch;
use framefleet_frames::Image;
use framefleet_infer::{Dim, InferError, Session};
use framefleet_perception::PerceptionError;
use ndarray::{Array4, ArrayViewD};
use opencv::core::{self, Mat, Rect, Scalar, Size, Vec3f};
use opencv::imgproc;
use opencv::prelude::*;

/// Side of the square that a model sees when it leaves that open, pixels.
const SIDE: i32 = 512;
/// A model sees so many times the hole's longer side.
const SURROUNDINGS: i32 = 3;

/// The model.
#[derive(Debug)]
pub struct Lama {
    session: Session,
    side: i32,
}

impl Lama {
    /// Around an open session.
    pub fn new(session: Session) -> Result<Self, InferError> {
        let inputs = session.inputs()?;
        let fixed = inputs.iter().find(|spec| spec.name == "image").and_then(|spec| match spec.shape.last() {
            Some(Dim::Fixed(side)) => i32::try_from(*side).ok(),
            _ => None,
        });
        Ok(Self { session, side: fixed.unwrap_or(SIDE) })
    }

    /// How many patches it fills together.
    pub fn at_a_time(&self) -> Result<usize, PerceptionError> {
        Ok(self.session.micro_batch()?.max(1))
    }

    /// Fills what is unknown in patches of a frame, from the frame's colours around each: in micro-batches. Alpha is left as it is; grey
    /// is filled as the mean of what the model makes of its three channels. The rest of the frame's hole is shown as unknown, too.
    pub fn fill(&self, image: &Image, hole: &Hole, patches: &mut [&mut Patch]) -> Result<(), PerceptionError> {
        let mut wanted: Vec<(Rect, &mut Patch)> = Vec::with_capacity(patches.len());
        for patch in patches {
            if let Some(unknown) = bounds(patch)? {
                wanted.push((window(unknown, self.side, (image.width() as i32, image.height() as i32)), patch));
            }
        }
        for some in wanted.chunks_mut(self.at_a_time()?) {
            let squares = some.iter().map(|(window, patch)| inputs(image, hole, patch, *window, self.side));
            let outputs = self.run(&squares.collect::<Result<Vec<_>, PerceptionError>>()?)?;
            for ((window, patch), output) in some.iter_mut().zip(outputs) {
                self.lay(&output, *window, patch)?;
            }
        }
        Ok(())
    }

    /// Takes what is unknown in a patch from the filled square that shows a window of the frame.
    fn lay(&self, output: &Mat, window: Rect, patch: &mut Patch) -> Result<(), PerceptionError> {
        let shown = Rect::new(window.x - patch.area.x, window.y - patch.area.y, window.width, window.height);
        let square = window.width.max(window.height).max(self.side);
        let mut filled = Mat::default();
        imgproc::resize(output, &mut filled, Size::new(square, square), 0.0, 0.0, imgproc::INTER_CUBIC)?;
        for at in (0..patch.unknown.len()).filter(|at| patch.unknown[*at]).collect::<Vec<_>>() {
            let (x, y) = ((at % patch.width()) as i32 - shown.x, (at / patch.width()) as i32 - shown.y);
            let rgb = filled.at_2d::<Vec3f>(y, x)?;
            let white = patch.white;
            let mut values: Vec<f32> = (0..3).map(|channel| (rgb[channel] * white).clamp(0.0, white)).collect();
            match patch.channels {
                1 => values = vec![values.iter().sum::<f32>() / 3.0],
                4 => values.push(patch.pixel(at)[3]),
                _ => {}
            }
            patch.set(at, &values);
        }
        patch.unknown.fill(false);
        Ok(())
    }

    /// Runs the model on no more squares than a micro-batch has: RGB 0–1 (`CV_32FC3`) and the hole (`CV_8UC1`) of each; the filled
    /// squares, 0–1. A smaller batch is filled up with its last square.
    fn run(&self, squares: &[(Mat, Mat)]) -> Result<Vec<Mat>, PerceptionError> {
        let (side, size) = (self.side as usize, self.at_a_time()?);
        let given = squares.iter().map(|(colours, mask)| Ok((colours.data_typed::<Vec3f>()?, mask.data_bytes()?)));
        let given = given.collect::<opencv::Result<Vec<(&[Vec3f], &[u8])>>>()?;
        let Some(last) = given.len().checked_sub(1) else { return Ok(Vec::new()) };
        let image = Array4::from_shape_fn((size, 3, side, side), |(row, channel, y, x)| {
            given[row.min(last)].0[y * side + x][channel]
        });
        let mask = Array4::from_shape_fn((size, 1, side, side), |(row, _, y, x)| {
            f32::from(u8::from(given[row.min(last)].1[y * side + x] != 0))
        });
        let outputs = self.session.run(&[("image", (&image).into()), ("mask", (&mask).into())])?;
        let output = outputs.get::<f32>("output")?;
        if output.shape() != [size, 3, side, side] {
            return Err(self.foreign(format!("its output has the shape {:?}", output.shape())));
        }
        let filled = |((pixels, hole), output): (&(&[Vec3f], &[u8]), ArrayViewD<'_, f32>)| {
            let scale = self.scale(output.view(), pixels, hole)?;
            let rgb = |at: usize| std::array::from_fn(|channel| output[[channel, at / side, at % side]] / scale);
            let filled: Vec<Vec3f> = (0..side * side).map(|at| Vec3f::from(rgb(at))).collect();
            Ok(Mat::new_rows_cols_with_data(self.side, self.side, &filled)?.try_clone()?)
        };
        given.iter().zip(output.outer_iter()).map(filled).collect()
    }

    /// What white is in the output: 1 or 255, whichever makes what was known come out as it went in.
    fn scale(&self, output: ArrayViewD<'_, f32>, given: &[Vec3f], hole: &[u8]) -> Result<f32, PerceptionError> {
        let side = self.side as usize;
        let (mut count, mut unit, mut levels) = (0.0_f64, 0.0, 0.0);
        for at in (0..given.len()).filter(|at| hole[*at] == 0) {
            for channel in 0..3 {
                let (was, is) = (f64::from(given[at][channel]), f64::from(output[[channel, at / side, at % side]]));
                unit += (is - was).abs();
                levels += (is / 255.0 - was).abs();
                count += 1.0;
            }
        }
        let (scale, error) = if unit <= levels { (1.0, unit) } else { (255.0, levels) };
        if count > 0.0 && (error.is_nan() || error / count > 0.02) {
            return Err(self.foreign(format!("they differ by {:.3} of white on average", error / count)));
        }
        Ok(scale)
    }

    fn foreign(&self, found: String) -> PerceptionError {
        let problem = format!("it does not give back the pixels that it was given: {found}");
        PerceptionError::Model { model: self.session.name().to_owned(), role: ROLE, problem }
    }
}

/// The rectangle around what is unknown, in the frame.
fn bounds(patch: &Patch) -> opencv::Result<Option<Rect>> {
    if !patch.has_unknown() {
        return Ok(None);
    }
    let around = imgproc::bounding_rect(&patch.unknown_mask()?)?;
    Ok(Some(around + patch.area.tl()))
}

/// What of the frame the model sees: a square around the hole, moved and cut to lie inside the frame.
fn window(hole: Rect, side: i32, frame: (i32, i32)) -> Rect {
    let wanted = (hole.width.max(hole.height).saturating_mul(SURROUNDINGS)).max(side);
    let along = |start: i32, length: i32, frame: i32| {
        let size = wanted.min(frame);
        ((start + length / 2 - size / 2).clamp(0, frame - size), size)
    };
    let (x, width) = along(hole.x, hole.width, frame.0);
    let (y, height) = along(hole.y, hole.height, frame.1);
    Rect::new(x, y, width, height)
}

/// The window as the model wants it, padded right and below to a square by its mirror image (as the authors do) and scaled: RGB
/// 0–1 (`CV_32FC3`), and what is unknown (`CV_8UC1`).
fn inputs(image: &Image, hole: &Hole, patch: &Patch, window: Rect, side: i32) -> Result<(Mat, Mat), PerceptionError> {
    let mut around = Patch::of(image, window);
    around.forget(hole)?;
    for at in 0..patch.unknown.len() {
        let (x, y) = ((at % patch.width()) as i32 + patch.area.x, (at / patch.width()) as i32 + patch.area.y);
        if window.contains(core::Point::new(x, y)) {
            let to = (y - window.y) as usize * around.width() + (x - window.x) as usize;
            around.set(to, patch.pixel(at));
            around.unknown[to] = patch.unknown[at];
        }
    }
    let rgb = |at: usize| {
        let pixel = around.pixel(at);
        Vec3f::from(std::array::from_fn(|channel| pixel[if pixel.len() < 3 { 0 } else { channel }] / around.white))
    };
    let colours: Vec<Vec3f> = (0..around.unknown.len()).map(rgb).collect();
    let colours = Mat::new_rows_cols_with_data(window.height, window.width, &colours)?;
    let mut any = Mat::default();
    core::compare(&square(&around.unknown_mask()?, side)?, &0.0, &mut any, core::CMP_GT)?;
    Ok((square(&colours, side)?, any))
}

/// Padded to a square of `side` at least, and scaled to it.
fn square(picture: &impl MatTraitConst, side: i32) -> opencv::Result<Mat> {
    let (width, height) = (picture.cols(), picture.rows());
    let longest = width.max(height).max(side);
    let picture = picture.try_clone()?;
    let mut padded = Mat::default();
    let (down, right) = (longest - height, longest - width);
    core::copy_make_border(&picture, &mut padded, 0, down, 0, right, core::BORDER_REFLECT, Scalar::default())?;
    if longest == side {
        return Ok(padded);
    }
    let mut scaled = Mat::default();
    imgproc::resize(&padded, &mut scaled, Size::new(side, side), 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(scaled)
}
