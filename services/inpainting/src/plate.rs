//! Clean plates: a shot without what was removed from it.
use crate::align::downscaled::Downscaled;
use crate::align::{Region, align};
use crate::mask::hole::Hole;
use crate::settings::InpaintingSettings;
use framefleet_encode::{StillOptions, write_still};
use framefleet_formats::StillFormat;
use framefleet_frames::{FrameRange, Image, Item, ItemKind, PixelFormat, frame, naming};
use framefleet_stage::{Job, Outputs, Records, StageError};
use framefleet_vision::geometry::homography::Homography;
use framefleet_vision::image_file::{self, Encoding};
use framefleet_vision::{VisionError, mat::view};
use opencv::core::{self, Mat, Scalar};
use opencv::imgproc;
use opencv::prelude::*;
use std::path::{Path, PathBuf};

/// Every so manieth frame is kept for plates.
const EVERY: u64 = 8;
/// Images that a plate is made of, at most: they are in memory together.
const PICTURES: usize = 9;
/// Name of a kept image, before the frame's number.
const PREFIX: &str = "plate-";
/// Value of alpha where an image shows what was really there.
const REAL: u16 = u16::MAX;

/// Whether a frame is kept for plates.
pub fn wants(number: u64) -> bool {
    number.is_multiple_of(EVERY)
}

/// The image of a frame after filling, RGB with alpha 0 where it was filled: `CV_16UC4`, which keeps every depth.
pub fn picture(image: &Image, hole: Option<&Hole>) -> Result<Mat, VisionError> {
    let own = view(image)?;
    let mut deep = Mat::default();
    let scale = if own.depth() == core::CV_16U { 1.0 } else { 257.0 };
    own.convert_to(&mut deep, core::CV_16U, scale, 0.0)?;
    let mut coloured = Mat::default();
    match image.format() {
        PixelFormat::Grey8 | PixelFormat::Grey16 => {
            imgproc::cvt_color_def(&deep, &mut coloured, imgproc::COLOR_GRAY2RGBA)?
        }
        PixelFormat::Rgba8 | PixelFormat::Rgba16 => coloured = deep,
        _ => imgproc::cvt_color_def(&deep, &mut coloured, imgproc::COLOR_RGB2RGBA)?,
    }
    let mut real =
        Mat::new_rows_cols_with_default(own.rows(), own.cols(), core::CV_16UC1, Scalar::all(f64::from(REAL)))?;
    if let Some(hole) = hole {
        real.roi_mut(hole.area)?.set_to(&Scalar::all(0.0), &hole.mask)?;
    }
    core::insert_channel(&real, &mut coloured, 3)?;
    Ok(coloured)
}

/// Keeps an image until finish.
pub fn attach(number: u64, picture: &Mat, out: &mut Outputs) -> Result<(), StageError> {
    let path = out.attach(&format!("{PREFIX}{number:010}.png")).map_err(StageError::retry)?.path().to_owned();
    let bytes = image_file::encode(picture, Encoding::Png).map_err(StageError::retry)?;
    std::fs::write(path, bytes).map_err(StageError::retry)
}

/// Writes one plate per shot, or per item where nobody found shots: the images that were kept of it, aligned with the middle one,
/// and of what they show the median; where none shows what was really there, of what they were filled with.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    settings: &InpaintingSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    if !settings.clean_plate {
        return Ok(());
    }
    let kept = records.attachments(PREFIX).map_err(StageError::retry)?;
    let folders = naming::item_folders(&job.items);
    for item in job.items.iter().filter(|item| item.kind() != ItemKind::Stills) {
        let pictures: Vec<(u64, PathBuf)> = kept
            .iter()
            .filter(|(of, _, _)| *of == item.name)
            .filter_map(|(_, name, path)| Some((number(name)?, path.clone())))
            .collect();
        let mut shots = job.shots(&item.name);
        if shots.is_empty() {
            shots.push(FrameRange { start: 0, end: u64::MAX });
        }
        for range in shots {
            let start = range.start;
            let of_shot: Vec<&Path> = pictures
                .iter()
                .filter(|(number, _)| frame::contains(&range, *number))
                .map(|(_, path)| path.as_path())
                .collect();
            let Some(plate) = plate(&spread(&of_shot), settings.analysis_side).map_err(StageError::bad_input)? else {
                continue;
            };
            let folder = folders.get(&item.name).map_or("", String::as_str);
            let name = naming::below(folder, &format!("plate_{start:08}.png"));
            let path = out.artifact(&name).map_err(StageError::retry)?.path().to_owned();
            let image = image(&plate, item).map_err(StageError::bad_input)?;
            write_still(&path, &image, StillFormat::Png, &StillOptions::default()).map_err(StageError::retry)?;
        }
    }
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.strip_suffix(".png")?.parse().ok()
}

/// As many as fit into memory, evenly spread.
fn spread<'a>(all: &[&'a Path]) -> Vec<&'a Path> {
    let count = all.len().min(PICTURES);
    (0..count).map(|at| all[(2 * at + 1) * all.len() / (2 * count)]).collect()
}

/// The median of images (`CV_16UC3`, RGB) at the place of the middle one; `None` without images.
fn plate(paths: &[&Path], side: u32) -> Result<Option<Mat>, VisionError> {
    let Some(middle) = paths.get(paths.len() / 2) else { return Ok(None) };
    let middle = image_file::read(middle)?;
    let (size, downscaled) = (middle.size()?, downscaled(&middle, side)?);
    let mut laid = vec![middle];
    for (_, path) in paths.iter().enumerate().filter(|(at, _)| *at != paths.len() / 2) {
        let other = image_file::read(path)?;
        if other.size()? != size {
            continue;
        }
        let Some(map) =
            align(&downscaled, &self::downscaled(&other, side)?, &Homography::IDENTITY, Region::Everything)?
        else {
            continue;
        };
        laid.push(over(other, &map.enlarged(downscaled.scale.0, downscaled.scale.1))?);
    }
    Ok(Some(median(&laid)?))
}

/// For alignment: what was filled is no background.
fn downscaled(picture: &Mat, side: u32) -> Result<Downscaled, VisionError> {
    let (mut rgb, mut bytes, mut alpha, mut filled) = (Mat::default(), Mat::default(), Mat::default(), Mat::default());
    imgproc::cvt_color_def(picture, &mut rgb, imgproc::COLOR_RGBA2RGB)?;
    rgb.convert_to(&mut bytes, core::CV_8U, 1.0 / 257.0, 0.0)?;
    core::extract_channel(picture, &mut alpha, 3)?;
    core::compare(&alpha, &0.0, &mut filled, core::CMP_EQ)?;
    let pixels = bytes.data_bytes()?.to_vec();
    let image = Image::new(PixelFormat::Rgb8, bytes.cols() as u32, bytes.rows() as u32, pixels)
        .map_err(|_| VisionError::Empty { width: 0, height: 0 })?;
    let area = imgproc::bounding_rect(&filled)?;
    let hole = match area.empty() {
        true => None,
        false => Some(Hole {
            area,
            mask: filled.roi(area)?.try_clone()?,
            pixels: core::count_non_zero(&filled)?.max(0) as u64,
        }),
    };
    Downscaled::of(&image, hole.as_ref(), side)
}

/// An image laid over the middle one; alpha is 0 where it ends.
fn over(picture: Mat, map: &Homography) -> opencv::Result<Mat> {
    if *map == Homography::IDENTITY {
        return Ok(picture);
    }
    let matrix = Mat::from_slice_2d(&[&map.0[0..3], &map.0[3..6], &map.0[6..9]])?;
    let mut laid = Mat::default();
    let how = imgproc::INTER_CUBIC | imgproc::WARP_INVERSE_MAP;
    imgproc::warp_perspective(
        &picture,
        &mut laid,
        &matrix,
        picture.size()?,
        how,
        core::BORDER_CONSTANT,
        Scalar::all(0.0),
    )?;
    Ok(laid)
}

/// Pixel by pixel the median of what is real; of everything, where nothing is.
fn median(pictures: &[Mat]) -> opencv::Result<Mat> {
    let (rows, columns) = (pictures[0].rows(), pictures[0].cols());
    let mut plate = Mat::new_rows_cols_with_default(rows, columns, core::CV_16UC3, Scalar::default())?;
    let mut values = Vec::with_capacity(pictures.len());
    for y in 0..rows {
        let lines =
            pictures.iter().map(|picture| picture.at_row::<core::Vec4w>(y)).collect::<opencv::Result<Vec<_>>>()?;
        for (x, pixel) in plate.at_row_mut::<core::Vec3w>(y)?.iter_mut().enumerate() {
            let any_real = lines.iter().any(|line| line[x][3] == REAL);
            for channel in 0..3 {
                values.clear();
                values.extend(lines.iter().filter(|line| !any_real || line[x][3] == REAL).map(|line| line[x][channel]));
                values.sort_unstable();
                let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
                pixel[channel] = ((u32::from(low) + u32::from(high)) / 2) as u16;
            }
        }
    }
    Ok(plate)
}

/// The plate in the item's depth.
fn image(plate: &Mat, item: &Item) -> Result<Image, VisionError> {
    let (width, height) = (plate.cols() as u32, plate.rows() as u32);
    let deep = item.bit_depth > 8;
    let bytes = match deep {
        true => plate.data_bytes()?.to_vec(),
        false => {
            let mut bytes = Mat::default();
            plate.convert_to(&mut bytes, core::CV_8U, 1.0 / 257.0, 0.0)?;
            bytes.data_bytes()?.to_vec()
        }
    };
    let format = if deep { PixelFormat::Rgb16 } else { PixelFormat::Rgb8 };
    Image::new(format, width, height, bytes).map_err(|_| VisionError::Empty { width, height })
}
