//! Frames at the resolution of the analysis, for alignment.
use crate::align::features::FeatureTracks;
use crate::mask::hole::Hole;
use framefleet_frames::{Image, PixelFormat};
use framefleet_vision::{VisionError, mat::view};
use opencv::core::{self, Mat, Size, Vector};
use opencv::prelude::*;
use opencv::{imgproc, video};
use std::cell::OnceCell;

/// Side of the tracker's window, pixels.
pub const TRACK_WINDOW: Size = Size { width: 21, height: 21 };
/// Levels of the tracker's pyramid above the image.
pub const TRACK_LEVELS: i32 = 4;

/// A frame at the size that alignment works at.
#[derive(Debug)]
pub struct Downscaled {
    /// RGB or grey, 8 bits a channel: `CV_8UC3` or `CV_8UC1`. Without alpha.
    pub colours: Mat,
    /// Luma, `CV_8UC1`.
    pub grey: Mat,
    /// 255 in the hole, 0 elsewhere.
    pub hole: Mat,
    /// The tracker's pyramid of `grey`.
    pub pyramid: Vector<Mat>,
    /// Feature points of all the background, and of what is around the hole, once they were asked for.
    pub features: OnceCell<FeatureTracks>,
    pub features_around_hole: OnceCell<FeatureTracks>,
    /// Pixels of the full frame per pixel, across and down.
    pub scale: (f64, f64),
}

impl Downscaled {
    /// The frame with `side` pixels on its long side at most.
    pub fn of(image: &Image, hole: Option<&Hole>, side: u32) -> Result<Self, VisionError> {
        let full = view(image)?;
        let long = full.cols().max(full.rows());
        let side = side as i32;
        let scaled = |length: i32| {
            if long <= side { length } else { ((i64::from(length) * i64::from(side)) / i64::from(long)).max(1) as i32 }
        };
        let size = Size::new(scaled(full.cols()), scaled(full.rows()));
        let colours = eight_bits(&resized(&full, size)?, image.format())?;
        let mut grey = Mat::default();
        match colours.channels() {
            1 => grey = colours.clone(),
            _ => imgproc::cvt_color_def(&colours, &mut grey, imgproc::COLOR_RGB2GRAY)?,
        }
        let hole = match hole {
            Some(hole) => hole.scaled((image.width(), image.height()), size)?,
            None => Mat::new_rows_cols_with_default(size.height, size.width, core::CV_8UC1, core::Scalar::default())?,
        };
        let mut pyramid = Vector::new();
        if size.width.min(size.height) >= 2 * TRACK_WINDOW.width {
            video::build_optical_flow_pyramid_def(&grey, &mut pyramid, TRACK_WINDOW, TRACK_LEVELS)?;
        }
        let scale = (
            f64::from(full.cols()) / f64::from(size.width.max(1)),
            f64::from(full.rows()) / f64::from(size.height.max(1)),
        );
        let (features, features_around_hole) = (OnceCell::new(), OnceCell::new());
        Ok(Self { colours, grey, hole, pyramid, features, features_around_hole, scale })
    }

    /// Width and height, pixels.
    pub fn size(&self) -> Size {
        Size::new(self.grey.cols(), self.grey.rows())
    }
}

fn resized(full: &(impl core::ToInputArray + MatTraitConst), size: Size) -> opencv::Result<Mat> {
    let mut downscaled = Mat::default();
    imgproc::resize(full, &mut downscaled, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(downscaled)
}

/// The colours in 8 bits, without alpha.
fn eight_bits(picture: &Mat, format: PixelFormat) -> opencv::Result<Mat> {
    let mut bytes = Mat::default();
    match picture.depth() {
        core::CV_16U => picture.convert_to(&mut bytes, core::CV_8U, 1.0 / 257.0, 0.0)?,
        _ => bytes = picture.clone(),
    }
    if !matches!(format, PixelFormat::Rgba8 | PixelFormat::Rgba16) {
        return Ok(bytes);
    }
    let mut colours = Mat::default();
    imgproc::cvt_color_def(&bytes, &mut colours, imgproc::COLOR_RGBA2RGB)?;
    Ok(colours)
}
