//! Agreement of the eyes: what one sees is compared with what the other sees of the same thing, which lies elsewhere by the disparity.
use framefleet_perception::PerceptionError;
use opencv::calib3d::StereoSGBM;
use opencv::core::{self, Mat, Point2f, Ptr, Scalar, Size, ToInputArray};
use opencv::imgproc;
use opencv::prelude::*;

/// Disparities that are searched, pixels of the small images: points behind the screen have negative ones.
const MIN_DISPARITY: i32 = -32;
const RANGE: i32 = 128;
const BLOCK: i32 = 5;
/// Side of the square over which local brightness is measured, pixels.
const AROUND: i32 = 15;
/// Disparities found from either side may differ by so much, pixels.
const SAME: f32 = 1.0;
/// The matcher's unit: 1/16 pixel.
const UNIT: f32 = 16.0;

/// Lets the soft masks of both eyes (`CV_32FC1`) agree, given their images (RGB), all of one size: where a point is seen by both, both get the mean of
/// the two; where only one sees it, its own stays. Returns left and right.
pub fn agreed(pictures: [&impl ToInputArray; 2], soft_mask: [&Mat; 2]) -> Result<[Mat; 2], PerceptionError> {
    let [left, right] = disparities(pictures)?;
    Ok([fused(soft_mask, &left, &right, 1.0)?, fused([soft_mask[1], soft_mask[0]], &right, &left, -1.0)?])
}

/// How far to the left the right eye sees what the left eye sees, and the other way round (both positive for near points), in
/// pixels: `CV_32FC1`, NaN where unknown.
fn disparities(pictures: [&impl ToInputArray; 2]) -> Result<[Mat; 2], PerceptionError> {
    let mut grey = [Mat::default(), Mat::default()];
    for (picture, grey) in pictures.into_iter().zip(&mut grey) {
        *grey = detail(picture)?;
    }
    let [left, right] = &grey;
    let found = matched(left, right)?;
    // The matcher looks leftwards only: mirrored, the right eye is the left one.
    let mirrored = |mat: &Mat| {
        let mut turned = Mat::default();
        core::flip(mat, &mut turned, 1).map(|()| turned)
    };
    let back = mirrored(&matched(&mirrored(right)?, &mirrored(left)?)?)?;
    Ok([found, back])
}

/// What an image has besides its local brightness: the eyes need not be equally exposed.
fn detail(picture: &impl ToInputArray) -> Result<Mat, PerceptionError> {
    let (mut grey, mut mean, mut detail) = (Mat::default(), Mat::default(), Mat::default());
    imgproc::cvt_color_def(picture, &mut grey, imgproc::COLOR_RGB2GRAY)?;
    imgproc::blur_def(&grey, &mut mean, Size::new(AROUND, AROUND))?;
    core::add_weighted_def(&grey, 1.0, &mean, -1.0, 128.0, &mut detail)?;
    Ok(detail)
}

/// Disparity from the first image to the second. Both are framed first: the matcher gives nothing near the edge.
fn matched(from: &Mat, to: &Mat) -> Result<Mat, PerceptionError> {
    let (before, after) = (RANGE + MIN_DISPARITY, -MIN_DISPARITY);
    let framed = |mat: &Mat| {
        let mut wide = Mat::default();
        core::copy_make_border(mat, &mut wide, 0, 0, before, after, core::BORDER_REPLICATE, Scalar::default())
            .map(|()| wide)
    };
    let area = BLOCK * BLOCK;
    let mode = opencv::calib3d::StereoSGBM_MODE_SGBM_3WAY;
    let mut matcher: Ptr<StereoSGBM> =
        StereoSGBM::create(MIN_DISPARITY, RANGE, BLOCK, 8 * area, 32 * area, -1, 31, 0, 100, 2, mode)?;
    let mut wide = Mat::default();
    matcher.compute(&framed(from)?, &framed(to)?, &mut wide)?;
    let part = Mat::roi(&wide, core::Rect::new(before, 0, from.cols(), from.rows()))?;
    let mut disparity = Mat::default();
    part.convert_to(&mut disparity, core::CV_32F, f64::from(1.0 / UNIT), 0.0)?;
    let unknown = MIN_DISPARITY as f32 - 0.5;
    disparity.data_typed_mut::<f32>()?.iter_mut().filter(|value| **value < unknown).for_each(|value| *value = f32::NAN);
    Ok(disparity)
}

/// One eye's soft mask after agreement. `sign` is 1 for the left eye: its x minus the disparity is the right eye's x.
fn fused(soft_mask: [&Mat; 2], own: &Mat, others: &Mat, sign: f32) -> Result<Mat, PerceptionError> {
    let (rows, columns) = (own.rows(), own.cols());
    let nowhere = Point2f::new(-1e4, -1e4);
    let mut map = Mat::new_rows_cols_with_default(rows, columns, core::CV_32FC2, Scalar::all(-1e4))?;
    for y in 0..rows {
        let there = others.at_row::<f32>(y)?.to_vec();
        let disparity = own.at_row::<f32>(y)?.to_vec();
        for (x, place) in map.at_row_mut::<Point2f>(y)?.iter_mut().enumerate() {
            let target = x as f32 - sign * disparity[x];
            let back = there.get(target.round().max(0.0) as usize).filter(|_| target.is_finite() && target > -0.5);
            let seen = back.is_some_and(|back| (back - disparity[x]).abs() <= SAME);
            *place = if seen { Point2f::new(target, y as f32) } else { nowhere };
        }
    }
    let mut warped = Mat::default();
    let border = Scalar::all(-1.0);
    imgproc::remap(
        soft_mask[1],
        &mut warped,
        &map,
        &core::no_array(),
        imgproc::INTER_LINEAR,
        core::BORDER_CONSTANT,
        border,
    )?;
    let mut result = soft_mask[0].try_clone()?;
    for (value, other) in result.data_typed_mut::<f32>()?.iter_mut().zip(warped.data_typed::<f32>()?) {
        if *other >= 0.0 {
            *value = (*value + other) / 2.0;
        }
    }
    Ok(result)
}
