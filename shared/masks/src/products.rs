//! Images made of masks: for people, and for data sets.
use crate::rle::Rle;
use framefleet_vision::VisionError;
use framefleet_vision::image_file::{Encoding, encode};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, Rect, Scalar, Size, Vec3b, Vector};
use opencv::prelude::*;
use opencv::{imgproc, photo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How strongly surroundings are blurred, standard deviation in pixels.
const BLUR: f64 = 15.0;
/// What is painted over is first grown by so much, pixels: the edge of an instance has its colours, too.
const GROWN: i32 = 9;
/// How far painting looks, pixels.
const PAINT: f64 = 3.0;
const JPEG_QUALITY: u8 = 95;
/// Colours of instances, RGB, in turn.
const COLOURS: [[u8; 3]; 6] =
    [[230, 25, 75], [60, 180, 75], [0, 130, 200], [255, 225, 25], [145, 30, 180], [245, 130, 48]];

/// What an image shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaskProduct {
    /// An instance cut to its box, transparent around it (PNG, RGBA).
    Cutouts,
    /// An instance with its surroundings (PNG).
    Context,
    /// The same, the surroundings blurred (PNG).
    Blurred,
    /// A mask of the full frame, 0 or 255 (PNG, grey).
    Masks,
    /// The frame with all instances painted over from their surroundings (JPEG).
    Backgrounds,
    /// The frame with all instances coloured (JPEG).
    Overlay,
    /// The frame itself, which coco.json then names (JPEG).
    Frames,
}

/// A frame and what was found in it.
pub struct Shown<'a> {
    /// The full frame: RGB, 8 bits.
    pub picture: &'a BoxedRef<'a, Mat>,
    /// Its masks, of the frame's size, in order of their instances.
    pub masks: &'a [Rle],
    /// Surroundings of an instance in context and blurred images, pixels.
    pub context: u32,
}

impl MaskProduct {
    /// Its name: that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cutouts => "cutouts",
            Self::Context => "context",
            Self::Blurred => "blurred",
            Self::Masks => "masks",
            Self::Backgrounds => "backgrounds",
            Self::Overlay => "overlay",
            Self::Frames => "frames",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Cutouts => "every instance cut to its box, transparent around it (PNG)",
            Self::Context => "every instance with its surroundings (PNG)",
            Self::Blurred => "every instance with its surroundings, those blurred (PNG)",
            Self::Masks => "a mask of the full frame for every instance, 0 or 255 (PNG)",
            Self::Backgrounds => "the frame with all instances painted over from their surroundings (JPEG)",
            Self::Overlay => "the frame with all instances coloured (JPEG)",
            Self::Frames => "the frame itself (JPEG)",
        }
    }

    /// Gives the files of a frame to `save`, each with its name below a folder, `*` for the frame's stem ("masks/*_inst0_mask.png"), and its
    /// bytes: one per instance, or one of the whole frame. Empty masks have none.
    ///
    /// # Errors
    /// A mask of another size than the image, and what `save` says.
    pub fn draw<E: From<VisionError>>(
        self,
        shown: &Shown<'_>,
        mut save: impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = self.name();
        let whole = match self {
            Self::Backgrounds => Some(shown.background()?),
            Self::Overlay => Some(shown.overlay()?),
            Self::Frames => Some(shown.picture.try_clone().map_err(VisionError::from)?),
            Self::Cutouts | Self::Context | Self::Blurred | Self::Masks => None,
        };
        if let Some(whole) = whole {
            return save(&format!("{folder}/*.jpg"), &encode(&whole, Encoding::Jpeg(JPEG_QUALITY))?);
        }
        for (instance, mask) in shown.masks.iter().enumerate() {
            let Some(place) = shown.place(mask)? else { continue };
            let (picture, ending) = match self {
                Self::Cutouts => (shown.cutout(mask, place)?, ""),
                Self::Masks => (mask.picture()?, "_mask"),
                Self::Context => (shown.surroundings(place)?.1, "_ctx"),
                _ => (shown.blurred(mask, place)?, "_blur"),
            };
            save(&format!("{folder}/*_inst{instance}{ending}.png"), &encode(&picture, Encoding::Png)?)?;
        }
        Ok(())
    }
}

impl Shown<'_> {
    /// Where a mask lies; `None` for an empty one.
    fn place(&self, mask: &Rle) -> Result<Option<Rect>, VisionError> {
        let Some(bbox) = mask.bounds() else { return Ok(None) };
        let (width, height) = mask.size();
        let found = (self.picture.cols() as u32, self.picture.rows() as u32);
        if (width, height) != found {
            return Err(VisionError::Invalid(format!("a mask of {width}×{height} on a picture of {found:?}")));
        }
        let [x0, y0, x1, y1] = bbox.map(|side| side as i32);
        Ok(Some(Rect::new(x0, y0, x1 - x0, y1 - y0)))
    }

    fn cutout(&self, mask: &Rle, place: Rect) -> Result<Mat, VisionError> {
        let (mut channels, mut cutout) = (Vector::<Mat>::new(), Mat::default());
        core::split(&Mat::roi(self.picture, place)?, &mut channels)?;
        channels.push(Mat::roi(&mask.picture()?, place)?.try_clone()?);
        core::merge(&channels, &mut cutout)?;
        Ok(cutout)
    }

    /// A place with what is around it, and where that lies.
    fn surroundings(&self, place: Rect) -> Result<(Rect, Mat), VisionError> {
        let by = i32::try_from(self.context).unwrap_or(i32::MAX);
        let (left, top) = (place.x.saturating_sub(by).max(0), place.y.saturating_sub(by).max(0));
        let right = (place.x + place.width).saturating_add(by).min(self.picture.cols());
        let bottom = (place.y + place.height).saturating_add(by).min(self.picture.rows());
        let around = Rect::new(left, top, right - left, bottom - top);
        Ok((around, Mat::roi(self.picture, around)?.try_clone()?))
    }

    fn blurred(&self, mask: &Rle, place: Rect) -> Result<Mat, VisionError> {
        let (around, context) = self.surroundings(place)?;
        let mut blurred = Mat::default();
        imgproc::gaussian_blur_def(&context, &mut blurred, Size::default(), BLUR)?;
        context.copy_to_masked(&mut blurred, &Mat::roi(&mask.picture()?, around)?)?;
        Ok(blurred)
    }

    /// The image without its instances, painted over from their surroundings (Telea 2004).
    fn background(&self) -> Result<Mat, VisionError> {
        let mut all = Mat::new_size_with_default(self.picture.size()?, core::CV_8UC1, Scalar::default())?;
        for mask in self.masks {
            if self.place(mask)?.is_some() {
                let before = std::mem::take(&mut all);
                core::max(&before, &mask.picture()?, &mut all)?;
            }
        }
        if core::count_non_zero(&all)? == 0 {
            return Ok(self.picture.try_clone()?);
        }
        let square = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, Size::new(GROWN, GROWN))?;
        let (mut wide, mut painted) = (Mat::default(), Mat::default());
        imgproc::dilate_def(&all, &mut wide, &square)?;
        photo::inpaint(self.picture, &wide, &mut painted, PAINT, photo::INPAINT_TELEA)?;
        Ok(painted)
    }

    fn overlay(&self) -> Result<Mat, VisionError> {
        let mut picture = self.picture.try_clone()?;
        for (mask, colour) in self.masks.iter().zip(COLOURS.iter().cycle()) {
            if let Some(place) = self.place(mask)? {
                tint(&mut picture, &mask.picture()?, place, *colour)?;
            }
        }
        Ok(picture)
    }
}

/// Mixes a colour (RGB) half and half into an image (RGB, 8 bits), where a mask of its size is set; that is inside `place`.
pub fn tint(picture: &mut Mat, mask: &Mat, place: Rect, colour: [u8; 3]) -> Result<(), VisionError> {
    let columns = place.x as usize..(place.x + place.width) as usize;
    for y in place.y..place.y + place.height {
        let set = &mask.at_row::<u8>(y)?[columns.clone()];
        let row = &mut picture.at_row_mut::<Vec3b>(y)?[columns.clone()];
        for (pixel, _) in row.iter_mut().zip(set).filter(|(_, set)| **set > 0) {
            let mixed = |channel: usize| (u16::from(pixel[channel]) + u16::from(colour[channel])).div_ceil(2) as u8;
            *pixel = Vec3b::from([mixed(0), mixed(1), mixed(2)]);
        }
    }
    Ok(())
}
