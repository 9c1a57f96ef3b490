//! What is computed once per frame, before it is compared with its predecessor.
use crate::settings::MotionSettings;
use framefleet_frames::{Frame, PixelFormat};
use framefleet_vision::tracking::LucasKanade;
use framefleet_vision::{VisionError, mat};
use opencv::core::{self, Mat, MatTraitConst, MatTraitConstManual, Size, Vector};
use opencv::imgproc;

/// The point tracker, in pixels of the analysed frame.
pub const TRACKER: LucasKanade = LucasKanade { window: Size { width: 15, height: 15 }, levels: 3, arrived: 0.02 };
/// Cells per side of the grid of mean colours.
pub const COLOUR_GRID: i32 = 4;
/// Colours are compared on pictures of this long side: noise and small motion average out.
const SMALL_SIDE: i32 = 160;
/// Smaller frames (shorter side, analysed) have no flow worth the name, and dense inverse search refuses them.
const MIN_SIDE: i32 = 16;

/// A frame, ready to be compared.
pub struct Prepared {
    /// Number in the item.
    pub number: u64,
    /// Luma at the analysed size, CV_8UC1.
    pub grey: Mat,
    /// Pyramid of `grey` with derivatives, for the point tracker; empty when the frame is too small for flow.
    pub pyramid: Vector<Mat>,
    /// Small picture, HSV, CV_8UC3.
    pub small: Mat,
    /// HSV histogram of `small`, 8×4×4 bins, sums to 1.
    pub histogram: Mat,
    /// Mean luma, 0–255.
    pub luma: f64,
    /// What finish tells shots apart by.
    pub kept: Kept,
}

/// What is kept of a frame so that it can be compared with any other.
#[derive(Clone, Default)]
pub struct Kept {
    /// Mean RGB of the cells of a 4×4 grid, row by row: 48 bytes.
    pub colours: Vec<u8>,
    /// Mean luma of the cells of a 16×16 grid, row by row: 256 bytes.
    pub picture: Vec<u8>,
    /// Mean squared gradient of the luma of the small picture: how much detail there is.
    pub detail: f32,
}

impl Prepared {
    /// Whether flow can be measured on frames of this size.
    pub fn has_flow(&self) -> bool {
        !self.pyramid.is_empty()
    }
}

/// Prepares a frame: 8-bit RGB, as proxies are.
pub fn prepare(frame: &Frame, settings: &MotionSettings) -> Result<Prepared, VisionError> {
    let format = frame.image.format();
    if format != PixelFormat::Rgb8 {
        return Err(VisionError::Format { operation: "motion analysis", format, accepted: "8-bit RGB" });
    }
    let rgb = mat::view(&frame.image)?;
    let grey = analysed(&converted(&rgb, imgproc::COLOR_RGB2GRAY)?, settings.analysis_height as i32)?;
    let small_rgb = small_picture(&rgb)?;
    let small = converted(&small_rgb, imgproc::COLOR_RGB2HSV)?;
    Ok(Prepared {
        number: frame.number,
        pyramid: pyramid(&grey)?,
        luma: core::mean_def(&grey)?[0],
        kept: kept(&small_rgb)?,
        histogram: histogram(&small)?,
        grey,
        small,
    })
}

/// What is kept of a small picture.
fn kept(small_rgb: &Mat) -> opencv::Result<Kept> {
    let luma = converted(small_rgb, imgproc::COLOR_RGB2GRAY)?;
    let cells = crate::cells::SIDE as i32;
    Ok(Kept {
        colours: resized(small_rgb, Size::new(COLOUR_GRID, COLOUR_GRID))?.data_bytes()?.to_vec(),
        picture: resized(&luma, Size::new(cells, cells))?.data_bytes()?.to_vec(),
        detail: detail(luma.data_bytes()?, luma.cols().max(1) as usize),
    })
}

/// Mean squared difference of neighbouring pixels, across and down, of rows of `width` pixels.
fn detail(luma: &[u8], width: usize) -> f32 {
    let squares = |pairs: &mut dyn Iterator<Item = (u8, u8)>| {
        let (sum, count) =
            pairs.fold((0_u64, 0_u64), |(sum, count), (a, b)| (sum + u64::from(a.abs_diff(b)).pow(2), count + 1));
        sum as f64 / count.max(1) as f64
    };
    let across = squares(&mut luma.chunks_exact(width).flat_map(|row| row.windows(2)).map(|pair| (pair[0], pair[1])));
    let down = squares(&mut luma.iter().copied().zip(luma.iter().copied().skip(width)));
    (across + down) as f32
}

/// The picture in another colour space.
fn converted(picture: &impl core::ToInputArray, code: i32) -> opencv::Result<Mat> {
    let mut result = Mat::default();
    imgproc::cvt_color_def(picture, &mut result, code)?;
    Ok(result)
}

/// The picture at another size, averaged over areas.
fn resized(picture: &impl core::ToInputArray, size: Size) -> opencv::Result<Mat> {
    let mut result = Mat::default();
    imgproc::resize(picture, &mut result, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(result)
}

/// The picture at `height` at most.
fn analysed(grey: &Mat, height: i32) -> opencv::Result<Mat> {
    if grey.rows() <= height {
        return Ok(grey.clone());
    }
    let width = (i64::from(grey.cols()) * i64::from(height) / i64::from(grey.rows())).max(1) as i32;
    resized(grey, Size::new(width, height))
}

/// The picture with a long side of [`SMALL_SIDE`] at most.
fn small_picture(rgb: &(impl MatTraitConst + core::ToInputArray)) -> opencv::Result<Mat> {
    let long = rgb.cols().max(rgb.rows());
    let side = |length: i32| if long <= SMALL_SIDE { length } else { (length * SMALL_SIDE / long).max(1) };
    resized(rgb, Size::new(side(rgb.cols()), side(rgb.rows())))
}

/// The tracker's pyramid; empty for frames that are too small.
fn pyramid(grey: &Mat) -> opencv::Result<Vector<Mat>> {
    if grey.rows().min(grey.cols()) >= MIN_SIDE { TRACKER.pyramid(grey) } else { Ok(Vector::new()) }
}

/// Normalised histogram of an HSV picture.
fn histogram(hsv: &Mat) -> opencv::Result<Mat> {
    let mut counts = Mat::default();
    let images = Vector::<Mat>::from_iter([hsv.clone()]);
    let channels = Vector::from_slice(&[0, 1, 2]);
    let bins = Vector::from_slice(&[8, 4, 4]);
    let ranges = Vector::from_slice(&[0.0, 180.0, 0.0, 256.0, 0.0, 256.0]);
    imgproc::calc_hist_def(&images, &channels, &core::no_array(), &mut counts, &bins, &ranges)?;
    let mut shares = Mat::default();
    counts.convert_to(&mut shares, core::CV_32F, 1.0 / hsv.total().max(1) as f64, 0.0)?;
    Ok(shares)
}
