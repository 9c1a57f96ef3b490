//! Frames as the networks want them: 8-bit RGB.
use framefleet_media::{Image, PixelFormat};
use framefleet_vision::{VisionError, mat};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, MatTraitConst};
use opencv::imgproc;

/// A frame in 8-bit RGB; nothing is copied when it is that already.
pub fn rgb8(image: &Image) -> Result<BoxedRef<'_, Mat>, VisionError> {
    let view = mat::view(image)?;
    if image.format() == PixelFormat::Rgb8 {
        return Ok(view);
    }
    let mut eight = Mat::default();
    let scale = if view.depth() == core::CV_16U { 1.0 / 257.0 } else { 1.0 };
    view.convert_to(&mut eight, core::CV_8U, scale, 0.0)?;
    let mut rgb = Mat::default();
    match eight.channels() {
        1 => imgproc::cvt_color_def(&eight, &mut rgb, imgproc::COLOR_GRAY2RGB)?,
        4 => imgproc::cvt_color_def(&eight, &mut rgb, imgproc::COLOR_RGBA2RGB)?,
        _ => rgb = eight,
    }
    Ok(BoxedRef::from(rgb))
}
