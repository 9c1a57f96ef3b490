//! One frame: what is kept, laid over what takes the place of the rest.
use crate::settings::{Background, CompositeSettings};
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::{Image, Mask};
use framefleet_vision::{VisionError, masks, mat::view};
use opencv::core::{self, Mat, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Frames are blurred at this long side: what is finer does not survive the blur.
const BLUR_SIDE: i32 = 480;

/// The composite of a frame. Alpha is the frame's own.
pub fn composite<'a>(
    image: &Image,
    kept: impl IntoIterator<Item = &'a Mask>,
    settings: &CompositeSettings,
) -> Result<Image, VisionError> {
    let size = (image.width(), image.height());
    let long = f64::from(size.0.max(size.1));
    let shares = shares(masks::union(kept, size)?, size, settings.feather_percent / 100.0 * long)?;
    let background = match settings.background {
        Background::Colour => None,
        Background::Blur => Some(blurred(image, settings.blur_percent / 100.0)?),
    };
    let colour = settings.rgb().unwrap_or_default();
    let (count, deep) = (channels(image.format()), channel_bytes(image.format()) == 2);
    let white = if deep { 65535.0 } else { 255.0 };
    let new = background.as_ref().map(|picture| picture.data_typed::<f32>()).transpose()?;
    // A grey frame takes the colour's luma (BT.601).
    let luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
    let mut bytes = image.data().to_vec();
    for (at, &share) in shares.iter().enumerate().filter(|(_, share)| **share < 1.0) {
        for (channel, colour) in colour.iter().enumerate().take(count.min(3)) {
            let to = at * count + channel;
            let plain = white * if count < 3 { luma } else { *colour };
            let new = new.map_or(plain, |new| new[to]);
            let mixed = |own: f32| (new + share * (own - new)).round().clamp(0.0, white);
            if deep {
                let own = u16::from_le_bytes([bytes[2 * to], bytes[2 * to + 1]]);
                bytes[2 * to..2 * to + 2].copy_from_slice(&(mixed(f32::from(own)) as u16).to_le_bytes());
            } else {
                bytes[to] = mixed(f32::from(bytes[to])) as u8;
            }
        }
    }
    Image::new(image.format(), size.0, size.1, bytes).map_err(|_| VisionError::Empty { width: size.0, height: size.1 })
}

/// How much of each pixel is kept, 0–1, row by row: rising from the edge of the mask inwards within `feather` pixels.
fn shares(mask: Option<Mat>, (width, height): (u32, u32), feather: f64) -> opencv::Result<Vec<f32>> {
    let Some(mask) = mask else { return Ok(vec![0.0; width as usize * height as usize]) };
    let mut distance = Mat::default();
    imgproc::distance_transform(&mask, &mut distance, imgproc::DIST_L2, imgproc::DIST_MASK_PRECISE, core::CV_32F)?;
    let slope = 1.0 / (feather + 1.0) as f32;
    Ok(distance.data_typed::<f32>()?.iter().map(|distance| (distance * slope).min(1.0)).collect())
}

/// The frame blurred, channels as numbers side by side (`CV_32FC1`).
fn blurred(image: &Image, share: f64) -> Result<Mat, VisionError> {
    let full = view(image)?;
    let long = full.cols().max(full.rows());
    let scale = f64::from(BLUR_SIDE.min(long)) / f64::from(long);
    let side = |length: i32| ((f64::from(length) * scale) as i32).max(1);
    let (mut small, mut numbers, mut soft, mut large) =
        (Mat::default(), Mat::default(), Mat::default(), Mat::default());
    let size = Size::new(side(full.cols()), side(full.rows()));
    imgproc::resize(&full, &mut small, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    small.convert_to(&mut numbers, core::CV_32F, 1.0, 0.0)?;
    let sigma = share * f64::from(long) * scale;
    let border = core::BORDER_REPLICATE;
    imgproc::gaussian_blur(&numbers, &mut soft, Size::new(0, 0), sigma, sigma, border)?;
    imgproc::resize(&soft, &mut large, full.size()?, 0.0, 0.0, imgproc::INTER_LINEAR)?;
    Ok(large.reshape(1, 0)?.try_clone()?)
}
