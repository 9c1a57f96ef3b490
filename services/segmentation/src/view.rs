//! What is looked at: the picture of a frame, or of each eye when the frame is stereo. Frames are split before anything is scaled.
use crate::error::SegmentationError;
use crate::settings::Stereo;
use framefleet_media::{Image, Item, PixelFormat};
use framefleet_vision::mat;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Long side up to which coverage, owners and disparity are computed, pixels.
pub const WORKING_SIDE: i32 = 640;

/// Whose picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Eye {
    /// The only one.
    Both,
    /// The left eye's.
    Left,
    /// The right eye's.
    Right,
}

impl Eye {
    /// As records have it: "", "left" or "right".
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "",
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// One eye's picture of a frame.
pub struct View {
    /// Whose it is.
    pub eye: Eye,
    /// Where it lies in the full frame, pixels.
    pub place: Rect,
    /// RGB, 8 bits, in full size.
    pub pixels: Mat,
    /// The same with a long side of at most [`WORKING_SIDE`].
    pub small: Mat,
}

impl View {
    /// Pixels of the small picture per pixel of the full one, across and down.
    pub fn scale(&self) -> [f32; 2] {
        [self.small.cols() as f32 / self.place.width as f32, self.small.rows() as f32 / self.place.height as f32]
    }
}

/// How the eyes lie in the frames of an item: what the setting says, else the headers.
pub fn layout(item: &Item, setting: Stereo) -> Stereo {
    match (setting, item.stereo.as_str()) {
        (Stereo::Auto, "side_by_side") => Stereo::SideBySide,
        (Stereo::Auto, "over_under") => Stereo::OverUnder,
        (Stereo::Auto, _) => Stereo::Mono,
        (said, _) => said,
    }
}

/// The pictures of a frame: one, or the left eye's and the right eye's. An odd row or column between them belongs to none.
pub fn views(image: &Image, layout: Stereo) -> Result<Vec<View>, SegmentationError> {
    let pixels = rgb8(image)?;
    let (width, height) = (pixels.cols(), pixels.rows());
    let places = match layout {
        Stereo::SideBySide if width > 1 => {
            let half = width / 2;
            vec![(Eye::Left, Rect::new(0, 0, half, height)), (Eye::Right, Rect::new(width - half, 0, half, height))]
        }
        Stereo::OverUnder if height > 1 => {
            let half = height / 2;
            vec![(Eye::Left, Rect::new(0, 0, width, half)), (Eye::Right, Rect::new(0, height - half, width, half))]
        }
        _ => vec![(Eye::Both, Rect::new(0, 0, width, height))],
    };
    if let [(eye, place)] = places[..] {
        return Ok(vec![view(pixels, eye, place)?]);
    }
    places.into_iter().map(|(eye, place)| view(Mat::roi(&pixels, place)?.try_clone()?, eye, place)).collect()
}

fn view(pixels: Mat, eye: Eye, place: Rect) -> Result<View, SegmentationError> {
    let scale = (f64::from(WORKING_SIDE) / f64::from(place.width.max(place.height))).min(1.0);
    let side = |length: i32| ((f64::from(length) * scale).round() as i32).max(1);
    let small = resized(&pixels, Size::new(side(place.width), side(place.height)))?;
    Ok(View { eye, place, pixels, small })
}

/// Scales by area where it shrinks, bilinearly where it grows.
pub fn resized(picture: &impl MatTraitConst, size: Size) -> opencv::Result<Mat> {
    let mut scaled = Mat::default();
    if picture.size()? == size {
        picture.copy_to(&mut scaled)?;
        return Ok(scaled);
    }
    let shrinks = size.width < picture.cols() && size.height < picture.rows();
    let method = if shrinks { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
    let source = Mat::roi(picture, Rect::new(0, 0, picture.cols(), picture.rows()))?;
    imgproc::resize(&source, &mut scaled, size, 0.0, 0.0, method)?;
    Ok(scaled)
}

/// RGB of 8 bits: what networks look at, of any picture.
fn rgb8(image: &Image) -> Result<Mat, SegmentationError> {
    let source: BoxedRef<'_, Mat> = mat::view(image)?;
    let mut eight = Mat::default();
    match image.format() {
        PixelFormat::Grey16 | PixelFormat::Rgb16 | PixelFormat::Rgba16 => {
            source.convert_to(&mut eight, core::CV_8U, 1.0 / 257.0, 0.0)?;
        }
        _ => source.copy_to(&mut eight)?,
    }
    let code = match eight.channels() {
        1 => imgproc::COLOR_GRAY2RGB,
        4 => imgproc::COLOR_RGBA2RGB,
        _ => return Ok(eight),
    };
    let mut rgb = Mat::default();
    imgproc::cvt_color_def(&eight, &mut rgb, code)?;
    Ok(rgb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::Vec3b;

    /// Red where x < `split`, blue elsewhere.
    fn two_halves(width: u32, height: u32, split: u32) -> Image {
        let pixel = |at: u32| if at % width < split { [255, 0, 0] } else { [0, 0, 255] };
        Image::new(PixelFormat::Rgb8, width, height, (0..width * height).flat_map(pixel).collect::<Vec<u8>>()).unwrap()
    }

    #[test]
    fn eyes_are_split_before_they_are_scaled() {
        let views = views(&two_halves(2001, 900, 1000), Stereo::SideBySide).unwrap();
        let places: Vec<_> = views.iter().map(|view| (view.eye, view.place)).collect();
        assert_eq!(places, [(Eye::Left, Rect::new(0, 0, 1000, 900)), (Eye::Right, Rect::new(1001, 0, 1000, 900))]);
        // A frame scaled first would mix the eyes where they meet.
        let (left, right) = (&views[0].small, &views[1].small);
        assert_eq!((left.cols(), left.rows()), (640, 576));
        assert_eq!(left.at_2d::<Vec3b>(300, 639).unwrap().0, [255, 0, 0]);
        assert_eq!(right.at_2d::<Vec3b>(300, 0).unwrap().0, [0, 0, 255]);
    }

    /// D-21: 2:1 is the aspect ratio of 360° pictures and of VR180 side by side.
    #[test]
    fn the_user_then_the_headers_decide_and_never_the_aspect_ratio() {
        let silent = Item { width: 3840, height: 1920, ..Item::default() };
        let tagged = Item { stereo: "over_under".to_owned(), ..silent.clone() };
        assert_eq!(layout(&silent, Stereo::Auto), Stereo::Mono);
        assert_eq!(layout(&tagged, Stereo::Auto), Stereo::OverUnder);
        assert_eq!(layout(&tagged, Stereo::SideBySide), Stereo::SideBySide);
        assert_eq!(layout(&tagged, Stereo::Mono), Stereo::Mono);
    }

    #[test]
    fn any_picture_becomes_rgb_of_8_bits() {
        for (format, bytes) in [(PixelFormat::Grey8, 4), (PixelFormat::Rgba8, 16), (PixelFormat::Rgb16, 24)] {
            let views = views(&Image::new(format, 2, 2, vec![90_u8; bytes]).unwrap(), Stereo::Mono).unwrap();
            assert_eq!(views[0].pixels.typ(), core::CV_8UC3);
            assert_eq!(views[0].pixels.at_2d::<Vec3b>(1, 1).unwrap().0, [90; 3]);
        }
    }
}
