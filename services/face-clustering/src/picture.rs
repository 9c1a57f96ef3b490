//! The pictures of a frame that faces are searched in, and where their pixels lie in the full frame.
use framefleet_media::{Frame, PixelFormat, Rendition};
use framefleet_stage::Batch;
use framefleet_vision::{VisionError, mat};
use opencv::core::{CV_8U, Mat};
use opencv::imgproc;
use opencv::prelude::*;

/// A picture of a frame: RGB, 8 bits.
pub struct Picture {
    /// The pixels, CV_8UC3.
    pub rgb: Mat,
    /// Pixels of the full frame per pixel of the picture, across and down.
    pub scale: [f32; 2],
}

/// Why a frame cannot be looked at: a code for counting, and the reason.
pub struct Unusable(pub &'static str, pub String);

impl From<VisionError> for Unusable {
    fn from(error: VisionError) -> Self {
        Self("bad-picture", error.to_string())
    }
}

impl From<opencv::Error> for Unusable {
    fn from(error: opencv::Error) -> Self {
        Self("bad-picture", error.to_string())
    }
}

/// A frame of a batch in a rendition.
pub fn picture(batch: &Batch, rendition: Rendition, number: u64) -> Result<Picture, Unusable> {
    let Some(frame) = batch.frame(rendition, number) else {
        return Err(Unusable("absent", "the frame's pixels are not there".to_owned()));
    };
    let scale = match rendition {
        Rendition::Full => [1.0, 1.0],
        _ => {
            let (width, height) = batch.frame_size(number);
            [width as f32 / frame.image.width().max(1) as f32, height as f32 / frame.image.height().max(1) as f32]
        }
    };
    Ok(Picture { rgb: rgb(frame)?, scale })
}

/// The pixels as RGB of 8 bits.
fn rgb(frame: &Frame) -> Result<Mat, Unusable> {
    let view = mat::view(&frame.image)?;
    let mut eight = Mat::default();
    match frame.image.format() {
        PixelFormat::Grey16 | PixelFormat::Rgb16 | PixelFormat::Rgba16 => {
            view.convert_to(&mut eight, CV_8U, 1.0 / 257.0, 0.0)?;
        }
        _ => eight = view.try_clone()?,
    }
    let code = match frame.image.format() {
        PixelFormat::Grey8 | PixelFormat::Grey16 => imgproc::COLOR_GRAY2RGB,
        PixelFormat::Rgba8 | PixelFormat::Rgba16 => imgproc::COLOR_RGBA2RGB,
        _ => return Ok(eight),
    };
    let mut rgb = Mat::default();
    imgproc::cvt_color_def(&eight, &mut rgb, code)?;
    Ok(rgb)
}
