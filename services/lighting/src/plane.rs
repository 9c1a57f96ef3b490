//! Luminance as a small picture: what shading and shadows are looked for on.
use crate::photometry::WHITE;
use framefleet_vision::VisionError;
use opencv::core::{Mat, Size, Vector};
use opencv::imgproc;
use opencv::prelude::*;

/// A single-channel picture of linear luminance, 1 = white, rows without padding.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The pixels.
    pub values: Vec<f32>,
}

impl Plane {
    /// The values of a `CV_32FC1` matrix.
    pub fn of(mat: &Mat) -> Result<Self, VisionError> {
        Ok(Self { width: mat.cols() as usize, height: mat.rows() as usize, values: mat.data_typed::<f32>()?.to_vec() })
    }

    /// The value at a pixel inside the plane.
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value between pixels (bilinear); `None` outside.
    pub fn between(&self, x: f64, y: f64) -> Option<f64> {
        if x < 0.0 || y < 0.0 || x > (self.width - 1) as f64 || y > (self.height - 1) as f64 {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (fx, fy) = (x - left as f64, y - top as f64);
        let row = |y| f64::from(self.at(left, y)) * (1.0 - fx) + f64::from(self.at(right, y)) * fx;
        Some(row(top) * (1.0 - fy) + row(bottom) * fy)
    }

    /// The plane as a matrix over the same memory.
    pub fn mat(&self) -> Result<opencv::boxed_ref::BoxedRef<'_, Mat>, VisionError> {
        Ok(Mat::new_rows_cols_with_data(self.height as i32, self.width as i32, &self.values)?)
    }

    /// The value that `share` (0..1) of the pixels selected do not exceed; 0 when none is.
    pub fn percentile(&self, share: f64, selected: impl Fn(usize) -> bool) -> f64 {
        let mut values: Vec<f32> = (0..self.values.len()).filter(|&i| selected(i)).map(|i| self.values[i]).collect();
        if values.is_empty() {
            return 0.0;
        }
        let at = ((values.len() - 1) as f64 * share).round() as usize;
        let (_, value, _) = values.select_nth_unstable_by(at, f32::total_cmp);
        f64::from(*value)
    }

    /// Central differences (x, y) of the plane blurred by a Gaussian of `sigma` pixels, per pixel; 0 on the outermost rows
    /// and columns.
    pub fn gradient(&self, sigma: f64) -> Result<Vec<[f32; 2]>, VisionError> {
        let mut blurred = Mat::default();
        imgproc::gaussian_blur_def(&self.mat()?, &mut blurred, Size::default(), sigma)?;
        let values = blurred.data_typed::<f32>()?;
        let mut gradient = vec![[0.0; 2]; values.len()];
        for y in 1..self.height.saturating_sub(1) {
            for x in 1..self.width.saturating_sub(1) {
                let i = y * self.width + x;
                gradient[i] =
                    [(values[i + 1] - values[i - 1]) / 2.0, (values[i + self.width] - values[i - self.width]) / 2.0];
            }
        }
        Ok(gradient)
    }
}

/// The luminance of a frame in levels, as a matrix over the same memory.
pub fn levels_mat(
    luminance: &[u16],
    width: u32,
    height: u32,
) -> Result<opencv::boxed_ref::BoxedRef<'_, Mat>, VisionError> {
    let (Ok(rows), Ok(columns)) = (i32::try_from(height), i32::try_from(width)) else {
        return Err(VisionError::TooLarge { width, height });
    };
    Ok(Mat::new_rows_cols_with_data(rows, columns, luminance)?)
}

/// Luminance with `side` pixels on the long side (area means), or as it is when that is smaller.
pub fn analysis_plane(levels: &impl MatTraitConst, side: u32) -> Result<Plane, VisionError> {
    let (width, height) = (levels.cols(), levels.rows());
    let long = width.max(height);
    let scaled = |length: i32| (f64::from(length) * f64::from(side) / f64::from(long)).round().max(1.0) as i32;
    let size = if long as u32 > side { Size::new(scaled(width), scaled(height)) } else { Size::new(width, height) };
    Plane::of(&resized(levels, size)?)
}

/// Mean luminance of each of `cells` × `cells` parts of the frame, row by row.
pub fn cell_means(plane: &Plane, cells: u32) -> Result<Vec<f32>, VisionError> {
    let size = Size::new(cells as i32, cells as i32);
    let mut means = Mat::default();
    imgproc::resize(&plane.mat()?, &mut means, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(means.data_typed::<f32>()?.to_vec())
}

/// Area means of levels at another size, as luminance 0..1.
fn resized(levels: &impl MatTraitConst, size: Size) -> Result<Mat, VisionError> {
    let mut luminance = Mat::default();
    levels.convert_to(&mut luminance, opencv::core::CV_32F, 1.0 / WHITE, 0.0)?;
    if size == luminance.size()? {
        return Ok(luminance);
    }
    let mut small = Mat::default();
    imgproc::resize(&luminance, &mut small, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(small)
}

/// A set of pixels of a plane as an 8-bit matrix: 255 inside, 0 outside.
pub fn mask_mat(inside: &[u8], width: usize) -> Result<Mat, VisionError> {
    let rows = (inside.len() / width) as i32;
    Ok(Mat::new_rows_cols_with_data(rows, width as i32, inside)?.try_clone()?)
}

/// A round structuring element of `radius` pixels.
pub fn disc(radius: i32) -> Result<Mat, VisionError> {
    Ok(imgproc::get_structuring_element_def(imgproc::MORPH_ELLIPSE, Size::new(2 * radius + 1, 2 * radius + 1))?)
}

/// The set without holes: everything that its outer outlines enclose.
pub fn filled(mask: &Mat) -> Result<Mat, VisionError> {
    let mut outlines = Vector::<Vector<opencv::core::Point>>::new();
    imgproc::find_contours_def(mask, &mut outlines, imgproc::RETR_EXTERNAL, imgproc::CHAIN_APPROX_NONE)?;
    let mut whole = Mat::new_size_with_default(mask.size()?, opencv::core::CV_8UC1, opencv::core::Scalar::all(0.0))?;
    let all = -1;
    let line_8 = 8;
    imgproc::draw_contours(
        &mut whole,
        &outlines,
        all,
        opencv::core::Scalar::all(255.0),
        imgproc::FILLED,
        line_8,
        &opencv::core::no_array(),
        i32::MAX,
        opencv::core::Point::default(),
    )?;
    Ok(whole)
}
