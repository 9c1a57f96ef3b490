//! A source frame: where its background lies in the target, what colours it has there, and how far each pixel is valid.
use crate::align::downscaled::Downscaled;
use crate::align::flow;
use crate::align::{FOREIGN, laid_over};
use framefleet_frames::PixelFormat;
use framefleet_frames::frame::channels as channels_of;
use framefleet_vision::geometry::completion::complete;
use framefleet_vision::geometry::homography::Homography;
use opencv::core::{self, Mat, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Width of the ring around the hole where colours are matched, share of the downscaled image's long side.
const RING: f64 = 0.06;
/// Fewer pixels of a ring say nothing about colours.
const MIN_RING: i32 = 50;
/// Colours are scaled no further than this, nor than its inverse.
const MAX_GAIN: f64 = 1.25;
/// A difference of so many levels (of 255) costs a factor e of trust.
const DOUBT: f64 = 5.0;

/// A reference frame.
#[derive(Debug)]
pub struct Reference {
    /// Its number.
    pub number: u64,
    /// From pixels of the target to its own, full size.
    pub map: Homography,
    /// What is added to a pixel of the target before it is mapped, small size (`CV_32FC2`).
    pub flow: Option<Mat>,
    /// How far each pixel is trusted, 0–1, small size (`CV_32FC1`).
    pub trust: Mat,
    /// By channel: what colours are multiplied with, and what is added then, share of white.
    pub match_: [(f32, f32); 4],
    /// Mean absolute difference around the hole, share of white.
    pub residual: f32,
}

/// The reference `number` as `map` (pixels of the downscaled images) lays it over the target, with flow on top if that is wanted and
/// helps. `distance` is how far away in time it is, share of the window. `None` when it shows something else around the hole.
pub fn reference(
    number: u64,
    (target, other): (&Downscaled, &Downscaled),
    map: &Homography,
    with_flow: bool,
    distance: f64,
    format: PixelFormat,
) -> opencv::Result<Option<Reference>> {
    let mut laid = laid_over(target, other, map)?;
    let flow = if with_flow { flow::residual_flow(target, &laid)? } else { None };
    if let Some(flow) = &flow {
        laid.grey = flow::moved(&laid.grey, flow)?;
        laid.colours = flow::moved(&laid.colours, flow)?;
    }
    let mut known = Mat::default();
    core::bitwise_not_def(&laid.unknown, &mut known)?;
    let ring = ring(&target.hole, &known)?;
    let match_ = matched(&target.colours, &laid.colours, &ring, format)?;
    let (gain, offset) = luma_of(&match_);
    let mut matched_grey = Mat::default();
    laid.grey.convert_to(&mut matched_grey, core::CV_8U, gain, offset * 255.0)?;
    let mut apart = Mat::default();
    core::absdiff(&target.grey, &matched_grey, &mut apart)?;
    let residual = core::mean(&apart, &ring)?[0];
    if residual > FOREIGN {
        return Ok(None);
    }
    let trust = trust(&apart, &known, distance)?;
    let map = map.enlarged(target.scale.0, target.scale.1);
    Ok(Some(Reference { number, map, flow, trust, match_, residual: (residual / 255.0) as f32 }))
}

/// Background around the hole that both show; all of it where that is too little.
fn ring(hole: &Mat, known: &Mat) -> opencv::Result<Mat> {
    let side = ((f64::from(hole.cols().max(hole.rows())) * RING) as i32).max(2) * 2 + 1;
    let mut near = Mat::default();
    let kernel = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, Size::new(side, side))?;
    imgproc::dilate_def(hole, &mut near, &kernel)?;
    let mut ring = Mat::default();
    core::bitwise_and(&near, known, &mut ring, &core::no_array())?;
    Ok(if core::count_non_zero(&ring)? >= MIN_RING { ring } else { known.clone() })
}

/// Gain and offset per channel of the full frames that give the reference the target's mean and spread on the ring. The gain stays
/// 1 where the two are not similar, and for alpha, which has no light.
fn matched(target: &Mat, laid: &Mat, ring: &Mat, format: PixelFormat) -> opencv::Result<[(f32, f32); 4]> {
    let mut all = [(1.0, 0.0); 4];
    if core::count_non_zero(ring)? < MIN_RING {
        return Ok(all);
    }
    let colours = channels_of(format).min(3);
    for (channel, found) in all.iter_mut().enumerate().take(colours) {
        let one = |from: &Mat| -> opencv::Result<Mat> {
            let mut plane = Mat::default();
            core::extract_channel(from, &mut plane, channel as i32)?;
            Ok(plane)
        };
        let (a, b) = (one(target)?, one(laid)?);
        let ((mean_a, spread_a), (mean_b, spread_b)) = (statistics(&a, ring)?, statistics(&b, ring)?);
        let ratio = if spread_b > 2.0 { (spread_a / spread_b).clamp(1.0 / MAX_GAIN, MAX_GAIN) } else { 1.0 };
        let similar = spread_a > 2.0 && correlation(&a, &b, ring, (mean_a, spread_a), (mean_b, spread_b))? > 0.9;
        let gain = if similar { ratio } else { 1.0 };
        *found = (gain as f32, ((mean_a - gain * mean_b) / 255.0) as f32);
    }
    Ok(all)
}

fn statistics(plane: &Mat, ring: &Mat) -> opencv::Result<(f64, f64)> {
    let (mut mean, mut spread) = (Scalar::default(), Scalar::default());
    core::mean_std_dev(plane, &mut mean, &mut spread, ring)?;
    Ok((mean[0], spread[0]))
}

fn correlation(a: &Mat, b: &Mat, ring: &Mat, of_a: (f64, f64), of_b: (f64, f64)) -> opencv::Result<f64> {
    let mut product = Mat::default();
    core::multiply(a, b, &mut product, 1.0, core::CV_32F)?;
    let covariance = core::mean(&product, ring)?[0] - of_a.0 * of_b.0;
    Ok(covariance / (of_a.1 * of_b.1).max(1e-9))
}

/// Gain and offset of luma (BT.601), or of the only channel.
fn luma_of(match_: &[(f32, f32); 4]) -> (f64, f64) {
    let weights = [0.299, 0.587, 0.114];
    weights.iter().zip(match_).fold((0.0, 0.0), |sum, (weight, (gain, offset))| {
        (sum.0 + weight * f64::from(*gain), sum.1 + weight * f64::from(*offset))
    })
}

/// Trust falls with the difference around a pixel, continued into the hole, and a little with the distance in time.
fn trust(apart: &Mat, known: &Mat, distance: f64) -> opencv::Result<Mat> {
    let (mut levels, mut smooth) = (Mat::default(), Mat::default());
    apart.convert_to(&mut levels, core::CV_32F, 1.0, 0.0)?;
    imgproc::blur_def(&complete(&levels, known)?, &mut smooth, Size::new(9, 9))?;
    let mut exponent = Mat::default();
    smooth.convert_to(&mut exponent, core::CV_32F, -1.0 / DOUBT, -0.5 * distance)?;
    let mut trust = Mat::default();
    core::exp(&exponent, &mut trust)?;
    Ok(trust)
}
