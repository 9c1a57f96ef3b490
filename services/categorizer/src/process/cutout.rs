//! What a model is shown: a frame, or an instance cut out, laid over grey and padded to a square. Models look at the middle of a picture: of a
//! long thin cut-out they would see a part, and under transparent pixels lie leftovers that nobody was meant to see.
use crate::process::instances::Instance;
use framefleet_frames::{Image, alpha};
use framefleet_vision::mat::{rgb8, view};
use framefleet_vision::{VisionError, boxes};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, BORDER_CONSTANT, CV_8U, CV_8UC3, CV_16U, Mat, Rect, Scalar, Size, ToInputArray};
use opencv::imgproc;
use opencv::prelude::*;

/// What lies behind a cut-out.
const GREY: f64 = 128.0;

/// A picture for a model.
#[derive(Debug)]
pub struct Cutout {
    /// `CV_8UC3` in the order red, green, blue.
    pub rgb: Mat,
    /// Whether it is a whole frame, of which models look at the middle; else it is square and looked at to its edges.
    pub is_whole: bool,
}

impl Cutout {
    /// A frame: where some of it is transparent, it is a cut-out of what is not.
    pub fn of_frame(image: &Image) -> Result<Self, VisionError> {
        let rgb = over_grey(image)?;
        match opaque(image)? {
            Some(part) => Ok(Self { rgb: squared(&Mat::roi(&rgb, part)?)?, is_whole: false }),
            None => Ok(Self { rgb: rgb.try_clone()?, is_whole: true }),
        }
    }

    /// An instance in a frame, whose coordinates are pixels of a frame of `size`; `None` when it has no pixel there.
    pub fn of_instance(
        rgb: &impl MatTraitConst,
        size: (u32, u32),
        instance: &Instance,
    ) -> Result<Option<Self>, VisionError> {
        let Some(part) = part(rgb, size, instance.place) else { return Ok(None) };
        let cut = Mat::roi(rgb, part)?;
        let Some(mask) = &instance.mask else { return Ok(Some(Self { rgb: squared(&cut)?, is_whole: false })) };
        if mask.area() == 0 {
            return Ok(None);
        }
        let mut covered = mask.picture()?;
        if (covered.cols(), covered.rows()) != (rgb.cols(), rgb.rows()) {
            let mut scaled = Mat::default();
            imgproc::resize(
                &covered,
                &mut scaled,
                Size::new(rgb.cols(), rgb.rows()),
                0.0,
                0.0,
                imgproc::INTER_NEAREST,
            )?;
            covered = scaled;
        }
        let mut alone = Mat::new_rows_cols_with_default(part.height, part.width, CV_8UC3, Scalar::all(GREY))?;
        cut.copy_to_masked(&mut alone, &Mat::roi(&covered, part)?)?;
        Ok(Some(Self { rgb: squared(&alone)?, is_whole: false }))
    }

    /// Bytes of its pixels.
    pub fn bytes(&self) -> usize {
        self.rgb.total() * 3
    }
}

/// A frame as 8-bit RGB, what is transparent over grey.
pub fn over_grey(image: &Image) -> Result<BoxedRef<'_, Mat>, VisionError> {
    let source = view(image)?;
    if source.channels() != 4 {
        return rgb8(image);
    }
    let eight = eight_bits(&source)?;
    let mut rgb = Mat::new_rows_cols_with_default(source.rows(), source.cols(), CV_8UC3, Scalar::default())?;
    alpha::over_grey(eight.data_bytes()?, rgb.data_bytes_mut()?);
    Ok(BoxedRef::from(rgb))
}

fn eight_bits(source: &impl MatTraitConst) -> Result<Mat, VisionError> {
    let scale = if source.depth() == CV_16U { 1.0 / 257.0 } else { 1.0 };
    let mut eight = Mat::default();
    source.convert_to(&mut eight, CV_8U, scale, 0.0)?;
    Ok(eight)
}

/// The rectangle around what is not transparent; `None` when all of the image is opaque, or nothing.
fn opaque(image: &Image) -> Result<Option<Rect>, VisionError> {
    let source = view(image)?;
    if source.channels() != 4 {
        return Ok(None);
    }
    let mut transparency = Mat::default();
    core::extract_channel(&eight_bits(&source)?, &mut transparency, 3)?;
    let mut clear = Mat::default();
    core::compare(&transparency, &Scalar::all(255.0), &mut clear, core::CMP_LT)?;
    if core::count_non_zero(&clear)? == 0 {
        return Ok(None);
    }
    let part = imgproc::bounding_rect(&transparency)?;
    Ok((part.width > 0 && part.height > 0).then_some(part))
}

/// The whole pixels of a picture that a box touches.
fn part(rgb: &impl MatTraitConst, (width, height): (u32, u32), place: boxes::BBox) -> Option<Rect> {
    let (across, down) = (rgb.cols() as f32 / width as f32, rgb.rows() as f32 / height as f32);
    let x = |at: f32| (at * across).clamp(0.0, rgb.cols() as f32);
    let y = |at: f32| (at * down).clamp(0.0, rgb.rows() as f32);
    let [x0, y0, x1, y1] = place;
    let (left, top) = (x(x0).floor() as i32, y(y0).floor() as i32);
    let (right, bottom) = (x(x1).ceil() as i32, y(y1).ceil() as i32);
    (right > left && bottom > top).then(|| Rect::new(left, top, right - left, bottom - top))
}

/// A picture in the middle of a grey square.
fn squared(picture: &(impl MatTraitConst + ToInputArray)) -> Result<Mat, VisionError> {
    let (width, height) = (picture.cols(), picture.rows());
    let side = width.max(height);
    let (left, top) = ((side - width) / 2, (side - height) / 2);
    let mut square = Mat::default();
    let (right, bottom) = (side - width - left, side - height - top);
    core::copy_make_border(picture, &mut square, top, bottom, left, right, BORDER_CONSTANT, Scalar::all(GREY))?;
    Ok(square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::PixelFormat;
    use framefleet_masks::Rle;
    use opencv::core::{CV_8UC1, Vec3b};

    fn at(picture: &Mat, x: i32, y: i32) -> [u8; 3] {
        picture.at_2d::<Vec3b>(y, x).unwrap().0
    }

    fn red(width: i32, height: i32) -> Mat {
        Mat::new_rows_cols_with_default(height, width, CV_8UC3, Scalar::new(200.0, 10.0, 10.0, 0.0)).unwrap()
    }

    #[test]
    fn a_transparent_frame_is_a_padded_cutout_over_grey() {
        // 8 × 4 pixels, opaque in the two columns 3 and 4 alone; what lies elsewhere is a leftover of pure green.
        let pixels =
            (0..32).flat_map(|at| if [3, 4].contains(&(at % 8)) { [200, 10, 10, 255] } else { [0, 255, 0, 0] });
        let image = Image::new(PixelFormat::Rgba8, 8, 4, pixels.collect::<Vec<u8>>()).unwrap();
        let cutout = Cutout::of_frame(&image).unwrap();
        assert_eq!((cutout.rgb.cols(), cutout.rgb.rows(), cutout.is_whole), (4, 4, false));
        let row: Vec<[u8; 3]> = (0..4).map(|x| at(&cutout.rgb, x, 2)).collect();
        assert_eq!(row, [[128; 3], [200, 10, 10], [200, 10, 10], [128; 3]]);
        let opaque = Image::new(PixelFormat::Rgba8, 8, 4, vec![255; 128]).unwrap();
        let whole = Cutout::of_frame(&opaque).unwrap();
        assert_eq!((whole.rgb.cols(), whole.rgb.rows(), whole.is_whole), (8, 4, true));
    }

    #[test]
    fn a_mask_is_cut_out_of_its_box_at_the_size_of_the_frame_that_comes() {
        let mut mask = Mat::new_rows_cols_with_default(10, 20, CV_8UC1, Scalar::default()).unwrap();
        mask.roi_mut(Rect::new(4, 2, 4, 6)).unwrap().set_to(&Scalar::all(255.0), &core::no_array()).unwrap();
        // The box is one pixel wider than what the mask covers, on its left.
        let instance = Instance { number: 0, place: [3.0, 2.0, 8.0, 8.0], mask: Some(Rle::of(&mask).unwrap()) };
        let cutout = Cutout::of_instance(&red(40, 20), (20, 10), &instance).unwrap().unwrap();
        assert_eq!((cutout.rgb.cols(), cutout.rgb.rows()), (12, 12), "padded to the longer side");
        let row: Vec<u8> = (0..12).map(|x| at(&cutout.rgb, x, 6)[0]).collect();
        assert_eq!(row, [128, 128, 128, 200, 200, 200, 200, 200, 200, 200, 200, 128]);
    }

    #[test]
    fn what_has_no_pixel_in_the_frame_has_no_picture() {
        for place in [[30.0, 0.0, 40.0, 10.0], [5.0, 5.0, 5.0, 9.0]] {
            let instance = Instance { number: 0, place, mask: None };
            assert!(Cutout::of_instance(&red(20, 10), (20, 10), &instance).unwrap().is_none());
        }
        let instance = Instance { number: 0, place: [-5.0, 0.0, 4.0, 30.0], mask: None };
        let cut = Cutout::of_instance(&red(20, 10), (20, 10), &instance).unwrap().unwrap();
        assert_eq!((cut.rgb.cols(), at(&cut.rgb, 0, 0), at(&cut.rgb, 5, 0)), (10, [128; 3], [200, 10, 10]));
    }
}
