//! Masks of an image from soft masks that are smaller than it: where the outline runs is computed column by column from the soft mask, and no image
//! of full size is ever made. What comes out is what scaling the soft mask up (bilinearly, centres of pixels on centres of pixels, the
//! edge repeated) and comparing every pixel would give.
use super::Rle;
use super::lengths::Lengths;
use framefleet_frames::limits::MAX_SIDE;
use framefleet_vision::VisionError;
use opencv::core::{self, CmpTypes, Mat, Scalar};
use opencv::prelude::*;

impl Rle {
    /// Where a soft mask (`CV_32FC1`, finite, stretched over an image of `size`: width and height) reaches `threshold`.
    ///
    /// # Errors
    /// A soft mask of another type, or an image larger than any frame may be.
    pub fn of_soft_mask(soft_mask: &Mat, threshold: f32, size: (u32, u32)) -> Result<Self, VisionError> {
        let (width, height) = size;
        if width.max(height) > MAX_SIDE {
            return Err(VisionError::TooLarge { width, height });
        }
        if soft_mask.typ() != core::CV_32FC1 {
            return Err(VisionError::Invalid(format!(
                "a soft mask is 32-bit floats, this is type {}",
                soft_mask.typ()
            )));
        }
        if soft_mask.cols() == 0 || soft_mask.rows() == 0 {
            return Err(VisionError::Empty { width: soft_mask.cols() as u32, height: soft_mask.rows() as u32 });
        }
        let (mut turned, mut reached) = (Mat::default(), Mat::default());
        core::transpose(soft_mask, &mut turned)?;
        core::compare(&turned, &Scalar::all(f64::from(threshold)), &mut reached, CmpTypes::CMP_GE as i32)?;
        let (rows, columns) = (soft_mask.rows() as usize, soft_mask.cols() as usize);
        let columns_of = Columns { values: turned.data_typed::<f32>()?, reached: reached.data_bytes()?, rows };
        let across = f64::from(width) / columns as f64;
        let outline = Outline { threshold, scale: f64::from(height) / rows as f64, height };
        let mut lengths = Lengths::default();
        let (mut left, mut mixed) = (usize::MAX, Vec::new());
        for x in 0..width {
            let place = ((f64::from(x) + 0.5) / across - 0.5).clamp(0.0, (columns - 1) as f64);
            let (first, part) = (place as usize, place.fract() as f32);
            let next = (first + 1).min(columns - 1);
            if left != first {
                left = first;
                columns_of.mixed(first, next, &mut mixed);
            }
            let pair = (columns_of.values(first), columns_of.values(next));
            outline.column(pair, part, &mixed, |start, end| lengths.ones(x * height + start, x * height + end));
        }
        Ok(lengths.done(width, height))
    }
}

/// A soft mask column by column.
struct Columns<'a> {
    values: &'a [f32],
    /// 255 where the threshold is reached, else 0.
    reached: &'a [u8],
    rows: usize,
}

impl Columns<'_> {
    fn values(&self, column: usize) -> &[f32] {
        &self.values[column * self.rows..][..self.rows]
    }

    /// The rows of two neighbouring columns that differ, from one another or from the row below: only there can an outline run.
    fn mixed(&self, left: usize, right: usize, rows: &mut Vec<usize>) {
        let side = |column: usize| &self.reached[column * self.rows..][..self.rows];
        let (left, right) = (side(left), side(right));
        rows.clear();
        let mut row = 0;
        while row + 1 < self.rows {
            let same = left[row];
            // Eight rows at a time where nothing happens.
            let quiet = |of: &[u8]| of.get(row..row + 9).is_some_and(|part| part == [same; 9]);
            if quiet(left) && quiet(right) {
                row += 8;
                continue;
            }
            if [left[row + 1], right[row], right[row + 1]] != [same; 3] {
                rows.push(row);
            }
            row += 1;
        }
    }
}

/// Where outlines cross the columns of an image.
struct Outline {
    threshold: f32,
    /// Pixels of the image per row of the soft mask.
    scale: f64,
    height: u32,
}

impl Outline {
    /// Tells the runs (start, end) of a column of the image that lies between two of the soft mask, `part` of the way from the
    /// first.
    fn column(&self, pair: (&[f32], &[f32]), part: f32, mixed: &[usize], mut ones: impl FnMut(u32, u32)) {
        let at = |row: usize| pair.0[row] + part * (pair.1[row] - pair.0[row]);
        let mut start = (at(0) >= self.threshold).then_some(0);
        for &row in mixed {
            let (above, below) = (at(row), at(row + 1));
            let (inside, stays) = (above >= self.threshold, below >= self.threshold);
            if inside == stays {
                continue;
            }
            let crossing = row as f64 + f64::from((self.threshold - above) / (below - above));
            let pixel = (crossing + 0.5) * self.scale - 0.5;
            if stays {
                start = Some(self.clamped(pixel.ceil()));
            } else if let Some(start) = start.take() {
                ones(start, self.clamped(pixel.floor() + 1.0));
            }
        }
        if let Some(start) = start {
            ones(start, self.height);
        }
    }

    fn clamped(&self, pixel: f64) -> u32 {
        pixel.clamp(0.0, f64::from(self.height)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn soft_mask(rows: usize, columns: usize, values: &[f32]) -> Mat {
        let mut mat =
            Mat::new_rows_cols_with_default(rows as i32, columns as i32, core::CV_32FC1, Scalar::default()).unwrap();
        mat.data_typed_mut::<f32>().unwrap().copy_from_slice(values);
        mat
    }

    /// Every pixel of the image on its own: its value, interpolated.
    fn slow(rows: usize, columns: usize, values: &[f32], size: (u32, u32)) -> Vec<f32> {
        let place = |at: u32, full: u32, small: usize| {
            let place = ((f64::from(at) + 0.5) * small as f64 / f64::from(full) - 0.5).clamp(0.0, (small - 1) as f64);
            (place as usize, (place as usize + 1).min(small - 1), place.fract() as f32)
        };
        let pixel = |(x, y): (u32, u32)| {
            let ((x0, x1, part), (y0, y1, down)) = (place(x, size.0, columns), place(y, size.1, rows));
            let row =
                |y: usize| values[y * columns + x0] + part * (values[y * columns + x1] - values[y * columns + x0]);
            row(y0) + down * (row(y1) - row(y0))
        };
        (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y))).map(pixel).collect()
    }

    fn cases() -> impl Strategy<Value = (usize, usize, Vec<f32>, (u32, u32))> {
        (1..14_usize, 1..30_usize, 1..60_u32, 1..60_u32).prop_flat_map(|(columns, rows, width, height)| {
            let value = prop_oneof![2 => Just(0.0_f32), 2 => Just(1.0_f32), 2 => 0.0..1.0_f32];
            (Just(rows), Just(columns), proptest::collection::vec(value, rows * columns), Just((width, height)))
        })
    }

    proptest! {
        #[test]
        fn every_pixel_is_what_interpolation_makes_it((rows, columns, values, size) in cases()) {
            let runs = Rle::of_soft_mask(&soft_mask(rows, columns, &values), 0.4, size).unwrap();
            let picture = runs.picture().unwrap();
            for (found, value) in picture.data_bytes().unwrap().iter().zip(slow(rows, columns, &values, size)) {
                // On the outline itself rounding decides.
                prop_assert!((*found > 0) == (value >= 0.4) || (value - 0.4).abs() < 1e-4, "{} {}", found, value);
            }
        }
    }

    #[test]
    fn what_is_no_soft_mask_is_refused() {
        let bytes = Mat::new_rows_cols_with_default(2, 2, core::CV_8UC1, Scalar::default()).unwrap();
        assert!(matches!(Rle::of_soft_mask(&bytes, 0.5, (4, 4)), Err(VisionError::Invalid(_))));
        let flat = soft_mask(1, 1, &[0.7]);
        assert!(matches!(Rle::of_soft_mask(&flat, 0.5, (70_000, 1)), Err(VisionError::TooLarge { .. })));
        assert_eq!(Rle::of_soft_mask(&flat, 0.5, (3, 2)).unwrap().lengths(), [0, 6]);
    }
}
