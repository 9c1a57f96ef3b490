//! Smooth shading: where luminance changes gradually, which surfaces do under light and edges and texture do not.
//!
//! A pixel shows shading when its luminance gradient is the same at two scales. A step has a far steeper gradient at the
//! fine scale, its neighbourhood a far steeper one at the coarse scale, and texture and noise differ in direction too; so
//! the test needs no contrast threshold and works over any background. Such gradients point towards the light (Zheng and
//! Chellappa, "Estimation of Illuminant Direction, Albedo, and Shape from Shading", 1991).
use crate::plane::{Plane, disc, filled, mask_mat};
use framefleet_vision::VisionError;
use opencv::core::{self, Mat};
use opencv::imgproc;
use opencv::prelude::*;

/// Fine and coarse scale: standard deviation of the blur, share of the plane's long side.
const FINE: f64 = 0.004;
const COARSE: f64 = 0.010;
/// Gradients at the two scales are the same when they differ by less than this share of the larger.
const AGREEMENT: f32 = 0.35;
/// Shading changes luminance by at least this share of itself over the long side of the plane …
const SLOPE: f32 = 0.3;
/// … and surfaces darker than this share of the brightest are too noisy to tell.
const DARKEST: f64 = 0.03;
/// A subject takes up at least this share of the plane.
const SUBJECT: f64 = 0.004;
/// Distance at which an edge spoils the coarse gradient, coarse scales.
const MARGIN: f64 = 1.5;
/// Half the width of what is a line rather than a surface, coarse scales.
const LINE: f64 = 0.6;
/// Narrower planes than this, in pixels, show no shading.
const SMALLEST: usize = 16;

/// The shading of a plane.
#[derive(Debug)]
pub struct Shading {
    /// Pixels that show shading: 255, others 0.
    pub mask: Vec<u8>,
    /// Gradient at the coarse scale, luminance per pixel (x right, y down).
    pub gradient: Vec<[f32; 2]>,
    /// Length of the larger of both scales' gradients.
    steepest: Vec<f32>,
    /// Coarse scale, pixels.
    pub scale: f64,
}

/// A connected part of the shading, and what it encloses.
#[derive(Debug)]
pub struct Subject {
    /// What shows shading, without holes: 255 inside, 0 outside; the size of the plane.
    pub region: Mat,
    /// The region with what adjoins it without a jump in luminance: its own shaded side.
    pub surroundings: Mat,
    /// Unit vector (x right, y down) that its shading points to.
    pub towards: [f64; 2],
    /// Pixels that are missing along its outline, where shading is not told from the edge.
    pub margin: f64,
}

impl Shading {
    /// Looks for shading; `None` on planes that are too small to show any, or black.
    pub fn find(plane: &Plane) -> Result<Option<Self>, VisionError> {
        let long = plane.width.max(plane.height) as f64;
        let brightest = plane.percentile(0.99, |_| true);
        if plane.width.min(plane.height) < SMALLEST || brightest <= 0.0 {
            return Ok(None);
        }
        let scale = (COARSE * long).max(1.0);
        let (fine, coarse) = (plane.gradient((FINE * long).max(0.5))?, plane.gradient(scale)?);
        let slope = |value: f32| value.max((brightest * DARKEST) as f32) * SLOPE / long as f32;
        let steepest: Vec<f32> = fine.iter().zip(&coarse).map(|(f, c)| length(*f).max(length(*c))).collect();
        let shows = |i: usize| {
            let (f, c, steepest) = (fine[i], coarse[i], steepest[i]);
            length(c) >= slope(plane.values[i]) && steepest > 0.0 && agree(f, c, steepest)
        };
        let mask: Vec<u8> = (0..steepest.len()).map(|i| if shows(i) { 255 } else { 0 }).collect();
        Ok(Some(Self { mask: without_lines(&mask, plane.width, scale)?, gradient: coarse, steepest, scale }))
    }

    /// Share of the plane that shows shading.
    pub fn share(&self) -> f64 {
        self.mask.iter().filter(|&&inside| inside > 0).count() as f64 / self.mask.len().max(1) as f64
    }

    /// Sum of the gradients (x right, y down) and of their lengths, over the pixels that show shading, of all or of those in
    /// a region of the same size.
    pub fn sum(&self, region: Option<&[u8]>) -> ([f64; 2], f64) {
        let counts = |i: usize| self.mask[i] > 0 && region.is_none_or(|region| region[i] > 0);
        let shaded = self.gradient.iter().enumerate().filter(|(i, _)| counts(*i));
        shaded.fold(([0.0; 2], 0.0), |([x, y], total), (_, gradient)| {
            let [dx, dy] = gradient.map(f64::from);
            ([x + dx, y + dy], total + f64::from(length(*gradient)))
        })
    }

    /// The connected part with the most shading (area times slope), without its holes; `None` when all are too small.
    pub fn subject(&self, plane: &Plane) -> Result<Option<Subject>, VisionError> {
        let radius = self.scale.round().max(1.0) as i32;
        let mut closed = Mat::default();
        imgproc::morphology_ex_def(
            &mask_mat(&self.mask, plane.width)?,
            &mut closed,
            imgproc::MORPH_CLOSE,
            &disc(radius)?,
        )?;
        let mut labels = Mat::default();
        let count = imgproc::connected_components_def(&closed, &mut labels)?;
        let Some(label) = self.strongest(labels.data_typed::<i32>()?, count) else { return Ok(None) };
        let mut component = Mat::default();
        core::compare(&labels, &f64::from(label), &mut component, core::CMP_EQ)?;
        let region = filled(&component)?;
        let ([x, y], _) = self.sum(Some(region.data_typed::<u8>()?));
        let length = x.hypot(y).max(f64::MIN_POSITIVE);
        let surroundings = self.surroundings(&region)?;
        Ok(Some(Subject { region, surroundings, towards: [x / length, y / length], margin: MARGIN * self.scale }))
    }

    /// Label of the component with the largest sum of slopes, if it is large enough; 0 is what is in none.
    fn strongest(&self, labels: &[i32], count: i32) -> Option<i32> {
        let mut slopes = vec![0.0_f64; count.max(1) as usize];
        let mut pixels = vec![0_usize; slopes.len()];
        for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label > 0) {
            pixels[label as usize] += 1;
            if self.mask[i] > 0 {
                slopes[label as usize] += f64::from(length(self.gradient[i]));
            }
        }
        let large = |label: &usize| pixels[*label] as f64 >= SUBJECT * labels.len() as f64;
        let best = (1..slopes.len()).filter(large).max_by(|a, b| slopes[*a].total_cmp(&slopes[*b]))?;
        Some(best as i32)
    }

    /// The region grown by the margin that the coarse scale took from it, but not across jumps in luminance: where that
    /// changes no faster than it does on average inside.
    fn surroundings(&self, region: &Mat) -> Result<Mat, VisionError> {
        let inside = region.data_typed::<u8>()?;
        let (_, slopes) = self.sum(Some(inside));
        let pixels = inside.iter().zip(&self.mask).filter(|(inside, shaded)| **inside > 0 && **shaded > 0).count();
        let limit = (slopes / pixels.max(1) as f64) as f32;
        let gentle: Vec<u8> = self
            .steepest
            .iter()
            .zip(inside)
            .map(|(steepest, inside)| if *inside > 0 || *steepest <= limit { 255 } else { 0 })
            .collect();
        let gentle = mask_mat(&gentle, region.cols() as usize)?;
        let square = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, core::Size::new(3, 3))?;
        let mut grown = region.try_clone()?;
        for _ in 0..(2.0 * self.scale).round() as usize {
            let mut wider = Mat::default();
            imgproc::dilate_def(&grown, &mut wider, &square)?;
            core::bitwise_and_def(&wider, &gentle, &mut grown)?;
        }
        Ok(grown)
    }
}

/// The mask without lines: beside every step there is a distance at which the gradients of both scales happen to be equal.
fn without_lines(mask: &[u8], width: usize, scale: f64) -> Result<Vec<u8>, VisionError> {
    let radius = (LINE * scale).round().max(1.0) as i32;
    let mut opened = Mat::default();
    imgproc::morphology_ex_def(&mask_mat(mask, width)?, &mut opened, imgproc::MORPH_OPEN, &disc(radius)?)?;
    Ok(opened.data_typed::<u8>()?.to_vec())
}

/// Length of a vector. (`hypot` guards against overflow, which luminance cannot cause, and takes five times as long.)
fn length([x, y]: [f32; 2]) -> f32 {
    (x * x + y * y).sqrt()
}

/// Whether the gradients at the two scales are the same, the longer one being `longest`.
fn agree(fine: [f32; 2], coarse: [f32; 2], longest: f32) -> bool {
    length([fine[0] - coarse[0], fine[1] - coarse[1]]) <= AGREEMENT * longest
}
