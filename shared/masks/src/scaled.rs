//! Masks of annotations as images of a frame.
use crate::rle::Rle;
use framefleet_frames::Mask;
use framefleet_vision::VisionError;
use opencv::core::{self, Mat, Size};
use opencv::imgproc;

/// What any of the masks covers, as an image (`CV_8UC1`, 0 or 255) of `size`, the frame's width and height. Masks of another
/// size are brought to it. `None` when nothing is covered.
///
/// # Errors
/// Run lengths that are none, and a frame that OpenCV cannot count.
pub fn union<'a>(masks: impl IntoIterator<Item = &'a Mask>, size: (u32, u32)) -> Result<Option<Mat>, VisionError> {
    let mut covered: Option<Mat> = None;
    for mask in masks {
        let Some(runs) = mask.run_lengths.as_ref().map(Rle::parse).transpose()?.filter(|runs| runs.area() > 0) else {
            continue;
        };
        let mut picture = runs.picture()?;
        if runs.size() != size {
            let too_large = |_| VisionError::TooLarge { width: size.0, height: size.1 };
            let target =
                Size::new(i32::try_from(size.0).map_err(too_large)?, i32::try_from(size.1).map_err(too_large)?);
            let mut scaled = Mat::default();
            imgproc::resize(&picture, &mut scaled, target, 0.0, 0.0, imgproc::INTER_NEAREST)?;
            picture = scaled;
        }
        match &mut covered {
            None => covered = Some(picture),
            Some(covered) => {
                let both = std::mem::take(covered);
                core::bitwise_or(&both, &picture, covered, &core::no_array())?;
            }
        }
    }
    match covered {
        Some(covered) if core::count_non_zero(&covered)? > 0 => Ok(Some(covered)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{Rect, Scalar};
    use opencv::prelude::*;

    fn mask(size: (u32, u32), inside: Rect) -> Mask {
        let (rows, columns) = (size.1 as i32, size.0 as i32);
        let mut picture = Mat::new_rows_cols_with_default(rows, columns, core::CV_8UC1, Scalar::default()).unwrap();
        picture.roi_mut(inside).unwrap().set_to(&Scalar::all(255.0), &core::no_array()).unwrap();
        let runs = Rle::of(&picture).unwrap();
        Mask { area: runs.area(), run_lengths: Some(runs.text()), ..Mask::default() }
    }

    #[test]
    fn masks_are_joined_at_the_frames_size() {
        let masks = [mask((40, 20), Rect::new(0, 0, 10, 10)), mask((80, 40), Rect::new(10, 0, 20, 10))];
        let joined = union(&masks, (40, 20)).unwrap().unwrap();
        assert_eq!((joined.cols(), joined.rows()), (40, 20));
        assert_eq!(core::count_non_zero(&joined).unwrap(), 100 + 25, "5 of the second lie inside the first");
    }

    #[test]
    fn no_pixels_are_no_mask() {
        assert!(union(&[], (40, 20)).unwrap().is_none());
        assert!(union(&[Mask::default(), mask((40, 20), Rect::new(0, 0, 0, 0))], (40, 20)).unwrap().is_none());
    }

    #[test]
    fn run_lengths_that_are_none_are_refused() {
        let mut broken = mask((40, 20), Rect::new(0, 0, 10, 10));
        broken.run_lengths.as_mut().unwrap().counts.push('~');
        assert!(union(&[broken], (40, 20)).is_err());
    }
}
