//! Soft masks smoothed over time where the image stands still. A function of the frames of the window, not of what was seen before.
use framefleet_perception::PerceptionError;
use opencv::core::{self, Mat, Scalar, Size, ToInputArray};
use opencv::imgproc;
use opencv::prelude::*;

/// What a frame counts for, relative to the one after it.
const FADING: f64 = 0.7;
/// A change of luma (0–255) at which an earlier frame counts for little.
const STILL: f64 = 6.0;

/// An image, smoothed, for comparing it with those before.
pub fn luma(rgb: &impl ToInputArray) -> Result<Mat, PerceptionError> {
    let (mut grey, mut smooth, mut luma) = (Mat::default(), Mat::default(), Mat::default());
    imgproc::cvt_color_def(rgb, &mut grey, imgproc::COLOR_RGB2GRAY)?;
    imgproc::blur_def(&grey, &mut smooth, Size::new(5, 5))?;
    smooth.convert_to(&mut luma, core::CV_32F, 1.0, 0.0)?;
    Ok(luma)
}

/// The mean of a frame's soft mask and those of earlier frames (nearest first), each with its [`luma`], all of one size: pixel by pixel, an
/// earlier frame counts for less the farther away it is and the more its luma differs.
pub fn smoothed(now: (&Mat, &Mat), earlier: &[(&Mat, &Mat)]) -> Result<Mat, PerceptionError> {
    let (soft_mask, luma) = now;
    let mut sum = soft_mask.try_clone()?;
    let mut weights = Mat::new_size_with_default(soft_mask.size()?, core::CV_32FC1, Scalar::all(1.0))?;
    for (age, (before, luma_before)) in (1..).zip(earlier) {
        if before.size()? != soft_mask.size()? {
            break;
        }
        let (mut change, mut square, mut weight) = (Mat::default(), Mat::default(), Mat::default());
        core::absdiff(luma, luma_before, &mut change)?;
        core::multiply_def(&change, &change, &mut square)?;
        square.convert_to(&mut change, core::CV_32F, -1.0 / (STILL * STILL), FADING.ln() * f64::from(age))?;
        core::exp(&change, &mut weight)?;
        let mut weighted = Mat::default();
        core::multiply_def(&weight, before, &mut weighted)?;
        core::add_def(&sum.try_clone()?, &weighted, &mut sum)?;
        core::add_def(&weights.try_clone()?, &weight, &mut weights)?;
    }
    let mut mean = Mat::default();
    core::divide2_def(&sum, &weights, &mut mean)?;
    Ok(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: f64) -> Mat {
        Mat::new_rows_cols_with_default(8, 8, core::CV_32FC1, Scalar::all(value)).unwrap()
    }

    fn value(mat: &Mat) -> f32 {
        *mat.at_2d::<f32>(4, 4).unwrap()
    }

    #[test]
    fn what_stands_still_is_averaged_and_what_moves_is_not() {
        let (dark, bright) = (flat(40.0), flat(90.0));
        let still = smoothed((&flat(1.0), &dark), &[(&flat(0.0), &dark)]).unwrap();
        assert!((value(&still) - 1.0 / 1.7).abs() < 1e-5);
        let moved = smoothed((&flat(1.0), &dark), &[(&flat(0.0), &bright)]).unwrap();
        assert!(value(&moved) > 0.999);
        assert_eq!(value(&smoothed((&flat(0.3), &dark), &[]).unwrap()), 0.3);
    }
}
