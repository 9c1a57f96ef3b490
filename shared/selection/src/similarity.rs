//! How alike two pictures look, by difference hashes (dHash: N. Krawetz, "Kind of Like That", 2013): whether a picture, shrunk to 9×8 grey
//! pixels, grows lighter from each pixel to the next.
use framefleet_vision::VisionError;
use opencv::core::{Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Pixels of the shrunk picture.
const SIZE: (i32, i32) = (9, 8);

/// The hash of a part of a picture (RGB, 8 bits): x0, y0, x1, y1 in its pixels.
pub(crate) fn hash(picture: &impl MatTraitConst, corners: [f64; 4]) -> Result<u64, VisionError> {
    let place = part(picture, corners);
    let roi = Mat::roi(picture, place)?;
    let (mut grey, mut small) = (Mat::default(), Mat::default());
    imgproc::cvt_color_def(&roi, &mut grey, imgproc::COLOR_RGB2GRAY)?;
    imgproc::resize(&grey, &mut small, Size::new(SIZE.0, SIZE.1), 0.0, 0.0, imgproc::INTER_AREA)?;
    let mut bits = 0_u64;
    for y in 0..SIZE.1 {
        for x in 1..SIZE.0 {
            let grows = small.at_2d::<u8>(y, x)? > small.at_2d::<u8>(y, x - 1)?;
            bits = bits << 1 | u64::from(grows);
        }
    }
    Ok(bits)
}

/// How alike two pictures look by their hashes, 0–1.
pub(crate) fn similarity(one: u64, other: u64) -> f64 {
    1.0 - f64::from((one ^ other).count_ones()) / f64::from(u64::BITS)
}

/// Corners as a part of the picture that has at least one pixel.
pub(crate) fn part(picture: &impl MatTraitConst, [x0, y0, x1, y1]: [f64; 4]) -> Rect {
    let within = |at: f64, end: i32| (at as i32).clamp(0, end);
    let (x, y) = (within(x0.floor(), picture.cols() - 1), within(y0.floor(), picture.rows() - 1));
    let (right, bottom) = (within(x1.ceil(), picture.cols()), within(y1.ceil(), picture.rows()));
    Rect::new(x, y, (right - x).max(1), (bottom - y).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::Scalar;

    /// Grey that grows lighter to the right, or darker.
    fn ramp(width: i32, height: i32, is_rising: bool) -> Mat {
        let mut picture =
            Mat::new_rows_cols_with_default(height, width, opencv::core::CV_8UC3, Scalar::all(0.0)).unwrap();
        for y in 0..height {
            for x in 0..width {
                let at = if is_rising { x } else { width - 1 - x };
                let grey = (255 * at / width) as u8;
                *picture.at_2d_mut::<opencv::core::Vec3b>(y, x).unwrap() = [grey; 3].into();
            }
        }
        picture
    }

    #[test]
    fn the_same_at_another_size_is_alike_and_its_mirror_is_not() {
        let of = |width, height, is_rising| {
            let picture = ramp(width, height, is_rising);
            hash(&picture, [0.0, 0.0, f64::from(width), f64::from(height)]).unwrap()
        };
        let rising = of(90, 80, true);
        assert_eq!(similarity(rising, of(180, 200, true)), 1.0);
        assert_eq!(similarity(rising, of(90, 80, false)), 0.0);
    }
}
