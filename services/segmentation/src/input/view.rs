//! The input: the image of a frame, or of each eye when the frame is stereo. Frames are split before anything is scaled.
use crate::settings::Stereo;
use framefleet_frames::Item;
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_vision::VisionError;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;
use std::cell::OnceCell;

/// Long side up to which soft masks, owners and disparity are computed, pixels.
pub const WORKING_SIDE: i32 = 640;

/// Whose image.
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

/// One eye's image of a frame.
pub struct View<'a> {
    /// Whose it is.
    pub eye: Eye,
    /// Where it lies in the full frame, pixels.
    pub place: Rect,
    /// RGB, 8 bits, as large as the rendition that is read.
    pub pixels: BoxedRef<'a, Mat>,
    /// The same with a long side of at most [`WORKING_SIDE`], once it is made.
    small: OnceCell<BoxedRef<'static, Mat>>,
}

impl View<'_> {
    /// Size of the image with a long side of at most [`WORKING_SIDE`].
    pub fn working_size(&self) -> Size {
        let (width, height) = (self.pixels.cols(), self.pixels.rows());
        let scale = (f64::from(WORKING_SIDE) / f64::from(width.max(height))).min(1.0);
        let side = |length: i32| ((f64::from(length) * scale).round() as i32).max(1);
        Size::new(side(width), side(height))
    }

    /// The image of that size, made when it is first asked for.
    pub fn small(&self) -> opencv::Result<&BoxedRef<'_, Mat>> {
        let size = self.working_size();
        if self.pixels.size()? == size {
            return Ok(&self.pixels);
        }
        if let Some(small) = self.small.get() {
            return Ok(small);
        }
        let made = BoxedRef::from(resized(&self.pixels, size)?);
        Ok(self.small.get_or_init(|| made))
    }

    /// Width and height of the full view.
    pub fn size(&self) -> (u32, u32) {
        (self.place.width as u32, self.place.height as u32)
    }

    /// Pixels of an image of `size`, which shows all of the view, per pixel of the full view, across and down.
    pub fn scale(&self, size: Size) -> [f32; 2] {
        [size.width as f32 / self.place.width as f32, size.height as f32 / self.place.height as f32]
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

/// The views of a frame: one, or the left eye's and the right eye's. An odd row or column between them belongs to none.
pub fn views(frame: FrameView<'_>, layout: Stereo) -> Result<Vec<View<'_>>, PerceptionError> {
    let (width, height) = frame.full_size();
    let length = |side: u32| i32::try_from(side).map_err(|_| VisionError::TooLarge { width, height });
    let full = Size::new(length(width)?, length(height)?);
    let pixels = frame.into_rgb();
    let seen = pixels.size()?;
    let eyes = |first: Rect, second: Rect| vec![(Eye::Left, first), (Eye::Right, second)];
    let halves = |of: Size| match layout {
        Stereo::SideBySide if full.width > 1 && seen.width > 1 => {
            let half = of.width / 2;
            eyes(Rect::new(0, 0, half, of.height), Rect::new(of.width - half, 0, half, of.height))
        }
        Stereo::OverUnder if full.height > 1 && seen.height > 1 => {
            let half = of.height / 2;
            eyes(Rect::new(0, 0, of.width, half), Rect::new(0, of.height - half, of.width, half))
        }
        _ => vec![(Eye::Both, Rect::new(0, 0, of.width, of.height))],
    };
    let places = halves(full);
    if let [(eye, place)] = places[..] {
        return Ok(vec![View { eye, place, pixels, small: OnceCell::new() }]);
    }
    let of_eye = |((eye, place), (_, part)): ((Eye, Rect), (Eye, Rect))| {
        let pixels = BoxedRef::from(Mat::roi(&pixels, part)?.try_clone()?);
        Ok(View { eye, place, pixels, small: OnceCell::new() })
    };
    places.into_iter().zip(halves(seen)).map(of_eye).collect()
}

/// Scales by area where it shrinks, bilinearly where it grows.
pub fn resized(picture: &impl MatTraitConst, size: Size) -> opencv::Result<Mat> {
    let (width, height) = (picture.cols(), picture.rows());
    let source = Mat::roi(picture, Rect::new(0, 0, width, height))?;
    if (width, height) == (size.width, size.height) {
        return source.try_clone();
    }
    let mut scaled = Mat::default();
    // Halving is several times as fast as scaling by anything else, and the mean of means is the mean.
    if width % 2 == 0 && height % 2 == 0 && width >= 3 * size.width && height >= 3 * size.height {
        let half = Size::new(width / 2, height / 2);
        imgproc::resize(&source, &mut scaled, half, 0.0, 0.0, imgproc::INTER_AREA)?;
        return resized(&scaled, size);
    }
    let shrinks = size.width <= width && size.height <= height;
    let method = if shrinks { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
    imgproc::resize(&source, &mut scaled, size, 0.0, 0.0, method)?;
    Ok(scaled)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use framefleet_frames::{Frame, FrameRange, Image, PixelFormat, Rendition};
    use framefleet_stage::Batch;
    use opencv::core::Vec3b;

    /// A proxy of a full frame of a size, as a batch of its own.
    pub fn batch(image: Image, (width, height): (u32, u32)) -> Batch {
        let range = FrameRange { start: 0, end: 1 };
        let mut batch = Batch::new(Item { width, height, ..Item::default() }, range, range, vec![0], vec![0]);
        batch.insert_frame(Rendition::Proxy, Frame { number: 0, pts_ns: 0, image });
        batch
    }

    /// The views of that frame.
    pub fn of(batch: &Batch, layout: Stereo) -> Vec<View<'_>> {
        views(FrameView::of(batch, Rendition::Proxy, 0).unwrap(), layout).unwrap()
    }

    /// Red where x < `split`, blue elsewhere.
    fn two_halves(width: u32, height: u32, split: u32) -> Image {
        let pixel = |at: u32| if at % width < split { [255, 0, 0] } else { [0, 0, 255] };
        Image::new(PixelFormat::Rgb8, width, height, (0..width * height).flat_map(pixel).collect::<Vec<u8>>()).unwrap()
    }

    #[test]
    fn eyes_are_split_before_they_are_scaled() {
        let batch = batch(two_halves(2001, 900, 1000), (2001, 900));
        let views = of(&batch, Stereo::SideBySide);
        let places: Vec<_> = views.iter().map(|view| (view.eye, view.place)).collect();
        assert_eq!(places, [(Eye::Left, Rect::new(0, 0, 1000, 900)), (Eye::Right, Rect::new(1001, 0, 1000, 900))]);
        // A frame scaled first would mix the eyes where they meet.
        let (left, right) = (views[0].small().unwrap(), views[1].small().unwrap());
        assert_eq!((left.cols(), left.rows()), (640, 576));
        assert_eq!(left.at_2d::<Vec3b>(300, 639).unwrap().0, [255, 0, 0]);
        assert_eq!(right.at_2d::<Vec3b>(300, 0).unwrap().0, [0, 0, 255]);
    }

    /// D-21: 2:1 is the aspect ratio of 360° images and of VR180 side by side.
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
    fn a_proxy_stands_for_its_full_frame() {
        let batch = batch(two_halves(640, 288, 320), (2001, 900));
        let views = of(&batch, Stereo::SideBySide);
        assert_eq!(views[1].place, Rect::new(1001, 0, 1000, 900));
        assert_eq!((views[1].working_size().width, views[1].scale(views[1].working_size())), (320, [0.32, 0.32]));
    }
}
