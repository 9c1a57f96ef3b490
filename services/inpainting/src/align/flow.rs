//! What a homography leaves: the parallax of the background, by optical flow that is completed inside the hole.
use crate::align::Laid;
use crate::align::downscaled::Downscaled;
use framefleet_vision::geometry::completion::complete;
use opencv::core::{self, Mat, Vec2f};
use opencv::imgproc;
use opencv::prelude::*;
use opencv::video::{self, DISOpticalFlow};

/// Longer vectors are mistakes, pixels.
const LONGEST: f32 = 12.0;
/// Flow next to a hole is bent by what is in it, pixels.
const EDGE: i32 = 4;
/// Dense inverse search takes no smaller image than this at its finest level, pixels.
const FINEST_HEIGHT: i32 = 64;
/// Flow has to lessen the difference by this factor to be used: it moves noise, too.
const GAIN: f64 = 0.97;

/// How far, from every pixel of the target, the same background lies in the reference laid over it (`CV_32FC2`, pixels of the
/// downscaled image): measured where both show it (Kroeger et al. 2016), continued into the rest. `None` when flow explains the
/// image no better than the homography does.
pub fn residual_flow(target: &Downscaled, laid: &Laid) -> opencv::Result<Option<Mat>> {
    // Where one has a hole both images are made the same, so that nothing seems to move there.
    let mut background = target.grey.clone();
    laid.grey.copy_to_masked(&mut background, &laid.unknown)?;
    let mut dis = DISOpticalFlow::create(video::DISOpticalFlow_PRESET_FAST)?;
    let finest = dis.get_finest_scale()?;
    dis.set_finest_scale(finest.min((target.grey.rows() / FINEST_HEIGHT).max(1).ilog2() as i32))?;
    let mut measured = Mat::default();
    dis.calc(&background, &laid.grey, &mut measured)?;
    let flow = complete(&measured, &trusted(&measured, &laid.unknown)?)?;
    let plain = mean_difference(&target.grey, &laid.grey, &laid.unknown)?;
    let moved = mean_difference(&target.grey, &moved(&laid.grey, &flow)?, &laid.unknown)?;
    Ok((moved < GAIN * plain).then_some(flow))
}

/// The image with every pixel taken from where the flow points.
pub fn moved(picture: &Mat, flow: &Mat) -> opencv::Result<Mat> {
    let mut map = flow.clone();
    for y in 0..map.rows() {
        for (x, at) in map.at_row_mut::<Vec2f>(y)?.iter_mut().enumerate() {
            *at = Vec2f::from([at[0] + x as f32, at[1] + y as f32]);
        }
    }
    let mut result = Mat::default();
    let border = core::BORDER_REPLICATE;
    imgproc::remap(
        picture,
        &mut result,
        &map,
        &Mat::default(),
        imgproc::INTER_LINEAR,
        border,
        core::Scalar::default(),
    )?;
    Ok(result)
}

/// 255 where the flow was measured on background and is no mistake.
fn trusted(flow: &Mat, unknown: &Mat) -> opencv::Result<Mat> {
    let kernel =
        imgproc::get_structuring_element_def(imgproc::MORPH_RECT, core::Size::new(2 * EDGE + 1, 2 * EDGE + 1))?;
    let mut near = Mat::default();
    imgproc::dilate_def(unknown, &mut near, &kernel)?;
    let mut known = Mat::default();
    core::bitwise_not_def(&near, &mut known)?;
    for y in 0..flow.rows() {
        let vectors = flow.at_row::<Vec2f>(y)?;
        for (pixel, vector) in known.at_row_mut::<u8>(y)?.iter_mut().zip(vectors) {
            let length = vector[0].hypot(vector[1]);
            if length.is_nan() || length > LONGEST {
                *pixel = 0;
            }
        }
    }
    Ok(known)
}

fn mean_difference(a: &Mat, b: &Mat, unknown: &Mat) -> opencv::Result<f64> {
    let (mut apart, mut known) = (Mat::default(), Mat::default());
    core::absdiff(a, b, &mut apart)?;
    core::bitwise_not_def(unknown, &mut known)?;
    Ok(core::mean(&apart, &known)?[0])
}
