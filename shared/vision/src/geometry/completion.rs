//! Fields continued into where nothing is known: pull and push over a pyramid (Gortler et al. 1996).
use opencv::core::{self, Mat, Size, Vector};
use opencv::imgproc;
use opencv::prelude::*;

/// The field (`CV_32FC1` or `CV_32FC2`) with the places where `known` (`CV_8UC1`) is 0 filled smoothly from those around. Where
/// something is known, nothing changes. A field of which nothing is known becomes 0.
pub fn complete(field: &Mat, known: &Mat) -> opencv::Result<Mat> {
    let mut weight = Mat::default();
    known.convert_to(&mut weight, core::CV_32F, 1.0 / 255.0, 0.0)?;
    let smooth = pulled(&weighted(field, &weight)?, &weight)?;
    let mut result = field.clone();
    let mut unknown = Mat::default();
    core::compare(known, &0.0, &mut unknown, core::CMP_EQ)?;
    smooth.copy_to_masked(&mut result, &unknown)?;
    Ok(result)
}

/// Sums divided by weights, from coarser levels where this one has no weight.
fn pulled(sum: &Mat, weight: &Mat) -> opencv::Result<Mat> {
    let mut own = Mat::default();
    let mut safe = Mat::default();
    core::max(weight, &1e-6, &mut safe)?;
    core::divide2(sum, &spread(&safe, sum.channels())?, &mut own, 1.0, -1)?;
    let size = sum.size()?;
    if size.width.min(size.height) <= 2 {
        return Ok(own);
    }
    let (mut coarse_sum, mut coarse_weight) = (Mat::default(), Mat::default());
    imgproc::pyr_down_def(sum, &mut coarse_sum)?;
    imgproc::pyr_down_def(weight, &mut coarse_weight)?;
    let coarse = pulled(&coarse_sum, &coarse_weight)?;
    let mut enlarged = Mat::default();
    imgproc::resize(&coarse, &mut enlarged, Size::new(size.width, size.height), 0.0, 0.0, imgproc::INTER_LINEAR)?;
    // Full trust in a level where a tenth of a pixel's neighbourhood is known, less below.
    let mut trust = Mat::default();
    weight.convert_to(&mut trust, core::CV_32F, 10.0, 0.0)?;
    let mut cut = Mat::default();
    core::min(&trust, &1.0, &mut cut)?;
    let mut rest = Mat::default();
    cut.convert_to(&mut rest, core::CV_32F, -1.0, 1.0)?;
    let mut mixed = Mat::default();
    core::add_def(&weighted(&own, &cut)?, &weighted(&enlarged, &rest)?, &mut mixed)?;
    Ok(mixed)
}

/// Every channel times the weight.
fn weighted(field: &Mat, weight: &Mat) -> opencv::Result<Mat> {
    let mut product = Mat::default();
    core::multiply_def(field, &spread(weight, field.channels())?, &mut product)?;
    Ok(product)
}

/// One channel repeated.
fn spread(one: &Mat, channels: i32) -> opencv::Result<Mat> {
    if channels == 1 {
        return Ok(one.clone());
    }
    let mut all = Mat::default();
    core::merge(&Vector::<Mat>::from_iter((0..channels).map(|_| one.clone())), &mut all)?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::Scalar;

    #[test]
    fn what_is_around_a_gap_is_continued_into_it() {
        let mut field = Mat::new_rows_cols_with_default(64, 96, core::CV_32FC1, Scalar::default()).unwrap();
        let mut known = Mat::new_rows_cols_with_default(64, 96, core::CV_8UC1, Scalar::all(255.0)).unwrap();
        for y in 0..64 {
            for x in 0..96 {
                let inside = (20..70).contains(&x) && (15..50).contains(&y);
                *field.at_2d_mut::<f32>(y, x).unwrap() = if inside { 1e6 } else { x as f32 * 0.1 };
                if inside {
                    *known.at_2d_mut::<u8>(y, x).unwrap() = 0;
                }
            }
        }
        let complete = complete(&field, &known).unwrap();
        for y in 0..64 {
            for x in 0..96 {
                let (found, truth) = (*complete.at_2d::<f32>(y, x).unwrap(), x as f32 * 0.1);
                let inside = (20..70).contains(&x) && (15..50).contains(&y);
                assert!((found - truth).abs() <= if inside { 2.0 } else { 0.0 }, "{x},{y}: {found}, truth {truth}");
            }
        }
    }

    #[test]
    fn nothing_known_is_nothing() {
        let field = Mat::new_rows_cols_with_default(20, 20, core::CV_32FC2, Scalar::all(7.0)).unwrap();
        let known = Mat::new_rows_cols_with_default(20, 20, core::CV_8UC1, Scalar::default()).unwrap();
        let complete = complete(&field, &known).unwrap();
        assert_eq!(core::norm(&complete, core::NORM_INF, &core::no_array()).unwrap(), 0.0);
    }
}
