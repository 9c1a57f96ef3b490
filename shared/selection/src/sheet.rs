//! A contact sheet: what was chosen, in rows of small pictures with captions.
use crate::similarity::part;
use crate::{ChosenObject, Selection, SelectionError};
use framefleet_frames::{Item, Pictures};
use framefleet_ledger::Manifest;
use framefleet_vision::image_file::{Encoding, encode};
use framefleet_vision::mat::rgb8;
use opencv::core::{Mat, Point, Rect, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;
use std::collections::HashMap;

/// Pictures of a row, and of a sheet at most: a longer selection is shown by some spread over it.
const COLUMNS: usize = 8;
const MOST: usize = 160;
/// Sides of a picture and height of its caption, pixels.
const SIDE: i32 = 200;
const CAPTION: i32 = 34;
const BETWEEN: i32 = 8;
/// Letters of a caption's line that fit under a picture.
const LETTERS: usize = 30;
const JPEG_QUALITY: u8 = 90;

/// The sheet as JPEG; the manifests are those of the output.
///
/// # Errors
/// A picture of the source that cannot be read.
pub fn contact_sheet(
    selection: &Selection,
    manifests: &[Manifest],
    pictures: &mut dyn Pictures,
) -> Result<Vec<u8>, SelectionError> {
    let items = manifests.iter().flat_map(|manifest| manifest.items());
    let items: HashMap<&str, &Item> = items.map(|item| (item.name.as_str(), item)).collect();
    let all: Vec<_> =
        selection.frames().iter().flat_map(|frame| frame.objects.iter().map(move |object| (frame, object))).collect();
    let shown = all.len().min(MOST);
    let rows = shown.div_ceil(COLUMNS).max(1) as i32;
    let (width, height) =
        (COLUMNS as i32 * (SIDE + BETWEEN) + BETWEEN, rows * (SIDE + CAPTION + BETWEEN) + BETWEEN + CAPTION);
    let mut sheet =
        Mat::new_rows_cols_with_default(height, width, opencv::core::CV_8UC3, Scalar::new(32.0, 32.0, 32.0, 0.0))?;
    let title = format!("{}: {} of {} pictures", selection.name(), shown, all.len());
    write(&mut sheet, &title, Point::new(BETWEEN, CAPTION - 12))?;
    for at in 0..shown {
        let (frame, object) = all[at * all.len() / shown];
        let Some(item) = items.get(frame.item.as_str()) else { continue };
        let wrong = |reason| SelectionError::Picture { item: frame.item.clone(), frame: frame.frame, reason };
        let picture = pictures.picture(item, frame.frame).map_err(wrong)?;
        let picture = picture.ok_or_else(|| wrong("it cannot be decoded".to_owned()))?;
        let (column, row) = ((at % COLUMNS) as i32, (at / COLUMNS) as i32);
        let place =
            Point::new(BETWEEN + column * (SIDE + BETWEEN), CAPTION + BETWEEN + row * (SIDE + CAPTION + BETWEEN));
        paste(&mut sheet, &rgb8(&picture.image)?, object, place)?;
        let file = frame.file.clone().unwrap_or_else(|| format!("{} {}", frame.item, frame.frame));
        write(&mut sheet, &file, Point::new(place.x, place.y + SIDE + 12))?;
        write(&mut sheet, &words(object), Point::new(place.x, place.y + SIDE + 26))?;
    }
    Ok(encode(&sheet, Encoding::Jpeg(JPEG_QUALITY))?)
}

/// Who it is, and what it was chosen by.
fn words(object: &ChosenObject) -> String {
    let person = object.person.clone().unwrap_or_else(|| format!("{} {}", object.kind, object.instance));
    let sharpness = object.sharpness.map_or_else(String::new, |value| format!(", sharp {value:.0}"));
    format!("{person}, {:.0} px{sharpness}", object.size)
}

/// An object's part of its picture, as large as fits, in the middle of its place.
fn paste(
    sheet: &mut Mat,
    picture: &impl MatTraitConst,
    object: &ChosenObject,
    place: Point,
) -> Result<(), SelectionError> {
    let roi = Mat::roi(picture, part(picture, object.corners))?;
    let scale = f64::from(SIDE) / f64::from(roi.cols().max(roi.rows()));
    let side = |pixels: i32| ((f64::from(pixels) * scale).round() as i32).clamp(1, SIDE);
    let size = Size::new(side(roi.cols()), side(roi.rows()));
    let mut small = Mat::default();
    let method = if scale < 1.0 { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
    imgproc::resize(&roi, &mut small, size, 0.0, 0.0, method)?;
    let (x, y) = (place.x + (SIDE - size.width) / 2, place.y + (SIDE - size.height) / 2);
    let mut target = Mat::roi_mut(sheet, Rect::new(x, y, size.width, size.height))?;
    Ok(small.copy_to(&mut target)?)
}

/// A line of text; letters that the font does not have are question marks.
fn write(sheet: &mut Mat, text: &str, at: Point) -> Result<(), SelectionError> {
    let letters = text.chars().map(|letter| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' });
    let line: String = letters.take(LETTERS).collect();
    let (font, colour) = (imgproc::FONT_HERSHEY_SIMPLEX, Scalar::all(230.0));
    Ok(imgproc::put_text(sheet, &line, at, font, 0.36, colour, 1, imgproc::LINE_AA, false)?)
}
