//! Pictures of what was found, for people and for data sets.
use crate::error::SegmentationError;
use crate::masks::{Instance, placed};
use crate::settings::{Family, SegmentationSettings};
use crate::view::View;
use framefleet_stage::Outputs;
use opencv::core::{self, Mat, Point, Rect, Scalar, Size, Vec3b, Vector};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc, photo};
use std::io::Write;

/// How strongly surroundings are blurred, standard deviation in pixels.
const BLUR: f64 = 15.0;
/// What is painted over is first grown by so much, pixels: the edge of an instance has its colours, too.
const GROWN: i32 = 9;
/// How far painting looks, pixels.
const PAINT: f64 = 3.0;
const JPEG_QUALITY: i32 = 95;
/// Colours of instances, RGB, in turn.
const COLOURS: [[u8; 3]; 6] =
    [[230, 25, 75], [60, 180, 75], [0, 130, 200], [255, 225, 25], [145, 30, 180], [245, 130, 48]];

/// Draws a view with its instances.
type Drawing<'a> = &'a dyn Fn(&View, &[Instance]) -> Result<Mat, SegmentationError>;

/// Writes the families of a frame. Instances are numbered as in the records.
pub fn write(
    number: u64,
    views: &[View],
    instances: &[Vec<Instance>],
    families: &[Family],
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), SegmentationError> {
    if families.is_empty() {
        return Ok(());
    }
    let size = frame_size(views);
    let mut counted = 0;
    for (view, instances) in views.iter().zip(instances) {
        for instance in instances {
            let stem = format!("{number:06}_inst{counted}");
            counted += 1;
            write_instance(&stem, view, instance, size, families, settings, out)?;
        }
    }
    let whole = |of: Drawing<'_>| {
        let mut frame = Mat::new_size_with_default(size, core::CV_8UC3, Scalar::default())?;
        for (view, instances) in views.iter().zip(instances) {
            of(view, instances)?.copy_to(&mut Mat::roi_mut(&mut frame, view.place)?)?;
        }
        Ok::<_, SegmentationError>(frame)
    };
    for (family, name, draw) in [
        (Family::Backgrounds, "backgrounds", &background as Drawing<'_>),
        (Family::Overlay, "overlay", &overlay),
        (Family::Frames, "frames", &|view, _| Ok(view.pixels.try_clone()?)),
    ] {
        if families.contains(&family) {
            save(&format!("{name}/{number:06}.jpg"), &whole(draw)?, out)?;
        }
    }
    Ok(())
}

/// The right bottom corner of the last view: views fill the frame.
fn frame_size(views: &[View]) -> Size {
    let end = |of: fn(&Rect) -> i32| views.iter().map(|view| of(&view.place)).max().unwrap_or(0);
    Size::new(end(|place| place.x + place.width), end(|place| place.y + place.height))
}

fn write_instance(
    stem: &str,
    view: &View,
    instance: &Instance,
    frame: Size,
    families: &[Family],
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), SegmentationError> {
    let wants = |family| families.contains(&family);
    if wants(Family::Cutouts) {
        let pixels = Mat::roi(&view.pixels, instance.place)?;
        let (mut channels, mut cutout) = (Vector::<Mat>::new(), Mat::default());
        core::split(&pixels, &mut channels)?;
        channels.push(instance.mask.try_clone()?);
        core::merge(&channels, &mut cutout)?;
        save(&format!("cutouts/{stem}.png"), &cutout, out)?;
    }
    if wants(Family::Masks) {
        let offset = Point::new(view.place.x + instance.place.x, view.place.y + instance.place.y);
        save(&format!("masks/{stem}_mask.png"), &placed(&instance.mask, offset, frame)?, out)?;
    }
    if !wants(Family::Context) && !wants(Family::Blurred) {
        return Ok(());
    }
    let around = grown(instance.place, settings.context_pixels as i32, view.pixels.size()?);
    let context = Mat::roi(&view.pixels, around)?.try_clone()?;
    if wants(Family::Context) {
        save(&format!("context/{stem}_ctx.png"), &context, out)?;
    }
    if wants(Family::Blurred) {
        let mut blurred = Mat::default();
        imgproc::gaussian_blur_def(&context, &mut blurred, Size::default(), BLUR)?;
        let offset = Point::new(instance.place.x - around.x, instance.place.y - around.y);
        let mask = placed(&instance.mask, offset, around.size())?;
        context.copy_to_masked(&mut blurred, &mask)?;
        save(&format!("blurred/{stem}_blur.png"), &blurred, out)?;
    }
    Ok(())
}

fn grown(place: Rect, by: i32, size: Size) -> Rect {
    let (left, top) = ((place.x - by).max(0), (place.y - by).max(0));
    let (right, bottom) =
        ((place.x + place.width + by).min(size.width), (place.y + place.height + by).min(size.height));
    Rect::new(left, top, right - left, bottom - top)
}

/// All instances of a view as one mask.
fn all(view: &View, instances: &[Instance]) -> Result<Mat, SegmentationError> {
    let mut mask = Mat::new_size_with_default(view.pixels.size()?, core::CV_8UC1, Scalar::default())?;
    for instance in instances {
        let mut part = Mat::roi_mut(&mut mask, instance.place)?;
        let before = part.try_clone()?;
        core::max(&before, &instance.mask, &mut part)?;
    }
    Ok(mask)
}

/// The view without its instances, painted over from their surroundings (Telea 2004).
fn background(view: &View, instances: &[Instance]) -> Result<Mat, SegmentationError> {
    let mask = all(view, instances)?;
    if core::count_non_zero(&mask)? == 0 {
        return Ok(view.pixels.try_clone()?);
    }
    let square = imgproc::get_structuring_element_def(imgproc::MORPH_RECT, Size::new(GROWN, GROWN))?;
    let (mut wide, mut painted) = (Mat::default(), Mat::default());
    imgproc::dilate_def(&mask, &mut wide, &square)?;
    photo::inpaint(&view.pixels, &wide, &mut painted, PAINT, photo::INPAINT_TELEA)?;
    Ok(painted)
}

/// The view with its instances coloured.
fn overlay(view: &View, instances: &[Instance]) -> Result<Mat, SegmentationError> {
    let mut picture = view.pixels.try_clone()?;
    for (instance, colour) in instances.iter().zip(COLOURS.iter().cycle()) {
        for y in 0..instance.mask.rows() {
            let set = instance.mask.at_row::<u8>(y)?.to_vec();
            let row = picture.at_row_mut::<Vec3b>(instance.place.y + y)?;
            for (pixel, _) in row[instance.place.x as usize..].iter_mut().zip(set).filter(|(_, set)| *set > 0) {
                let mixed = |channel: usize| (u16::from(pixel[channel]) + u16::from(colour[channel])).div_ceil(2) as u8;
                *pixel = Vec3b::from([mixed(0), mixed(1), mixed(2)]);
            }
        }
    }
    Ok(picture)
}

/// Writes a picture (grey, RGB or RGBA) in the format of its name's extension.
fn save(name: &str, picture: &Mat, out: &mut Outputs) -> Result<(), SegmentationError> {
    let mut turned = Mat::default();
    match picture.channels() {
        3 => imgproc::cvt_color_def(picture, &mut turned, imgproc::COLOR_RGB2BGR)?,
        4 => imgproc::cvt_color_def(picture, &mut turned, imgproc::COLOR_RGBA2BGRA)?,
        _ => picture.copy_to(&mut turned)?,
    }
    let extension = &name[name.rfind('.').unwrap_or(0)..];
    let options = if extension == ".jpg" { vec![imgcodecs::IMWRITE_JPEG_QUALITY, JPEG_QUALITY] } else { Vec::new() };
    let mut bytes = Vector::<u8>::new();
    imgcodecs::imencode(extension, &turned, &mut bytes, &Vector::from_iter(options))?;
    out.artifact(name)?.write_all(bytes.as_slice())?;
    Ok(())
}
