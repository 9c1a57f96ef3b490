//! Masks as other shapes: one polygon, or runs of rows.
use crate::ExportError;
use framefleet_frames::RunLengths;
use framefleet_masks::Rle;
use opencv::core::{Mat, Point, Rect, Vector};
use opencv::imgproc;
use opencv::prelude::*;

/// The outline of a mask as one polygon, in pixels: its parts are joined by lines there and back. Empty for an empty mask.
pub(crate) fn polygon(mask: &RunLengths) -> Result<Vec<[f64; 2]>, ExportError> {
    let picture = Rle::parse(mask)?.picture()?;
    let mut contours = Vector::<Vector<Point>>::new();
    let (mode, method) = (imgproc::RETR_EXTERNAL, imgproc::CHAIN_APPROX_SIMPLE);
    imgproc::find_contours(&picture, &mut contours, mode, method, Point::default())?;
    let mut parts: Vec<Vec<Point>> = contours.iter().map(|part| part.to_vec()).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let mut points: Vec<Point> = Vec::new();
    let start = parts.first().and_then(|part| part.first()).copied();
    for part in parts {
        let is_first = points.is_empty();
        points.extend(&part);
        if !is_first {
            points.extend(part.first().copied().into_iter().chain(start));
        } else if let Some(start) = start {
            points.push(start);
        }
    }
    // The contour goes through the middles of pixels.
    Ok(points.into_iter().map(|point| [f64::from(point.x) + 0.5, f64::from(point.y) + 0.5]).collect())
}

/// A mask as CVAT has it.
#[derive(Debug, PartialEq)]
pub(crate) struct Rows {
    /// x, y, width, height of its box.
    pub place: [u32; 4],
    /// In there the lengths of runs row by row, the first of zeros.
    pub runs: Vec<u64>,
}

/// A mask as runs of rows; `None` for an empty one.
pub(crate) fn rows(mask: &RunLengths) -> Result<Option<Rows>, ExportError> {
    let mask = Rle::parse(mask)?;
    let Some([x0, y0, x1, y1]) = mask.bounds() else { return Ok(None) };
    let place = Rect::new(x0 as i32, y0 as i32, (x1 - x0) as i32, (y1 - y0) as i32);
    let part = Mat::roi(&mask.picture()?, place)?.try_clone()?;
    let (mut runs, mut is_set) = (vec![0_u64], false);
    for pixel in part.data_typed::<u8>()? {
        if (*pixel > 0) != is_set {
            is_set = !is_set;
            runs.push(0);
        }
        if let Some(last) = runs.last_mut() {
            *last += 1;
        }
    }
    Ok(Some(Rows { place: [x0, y0, x1 - x0, y1 - y0], runs }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns 1 and 4 of a picture of 6×4.
    fn mask() -> RunLengths {
        let mut picture = Mat::zeros(4, 6, opencv::core::CV_8UC1).unwrap().to_mat().unwrap();
        for (x, y) in (0..4).flat_map(|y| [(1, y), (4, y)]) {
            *picture.at_2d_mut::<u8>(y, x).unwrap() = 255;
        }
        Rle::of(&picture).unwrap().text()
    }

    #[test]
    fn parts_of_a_mask_are_one_polygon() {
        let points = polygon(&mask()).unwrap();
        let of = |x: f64| points.iter().filter(|point| point[0] == x).count();
        assert!(of(1.5) >= 2 && of(4.5) >= 2 && of(1.5) + of(4.5) == points.len(), "{points:?}");
        assert_eq!(points.first(), points.last());
    }

    #[test]
    fn rows_are_those_of_the_box() {
        let expected = Rows { place: [1, 0, 4, 4], runs: vec![0, 1, 2, 2, 2, 2, 2, 2, 2, 1] };
        assert_eq!(rows(&mask()).unwrap(), Some(expected));
    }
}
