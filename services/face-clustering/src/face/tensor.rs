//! Images as the models want them: planes of numbers.
use ndarray::ArrayViewMutD;
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual};

/// Order of the planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How bytes become numbers: `(byte − shift) · scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planes {
    /// Order of the planes.
    pub order: Order,
    /// What is subtracted.
    pub shift: f32,
    /// What the difference is multiplied with.
    pub scale: f32,
}

impl Planes {
    /// Writes an RGB image of 8 bits (`CV_8UC3`) into three planes, row by row; `planes` has the image's size.
    pub fn write(&self, rgb: &Mat, mut planes: ArrayViewMutD<'_, f32>) -> opencv::Result<()> {
        let wanted = [3, rgb.rows() as usize, rgb.cols() as usize];
        if planes.shape() != wanted {
            let message = format!("a picture of {wanted:?} does not fit into a tensor of {:?}", planes.shape());
            return Err(opencv::Error::new(opencv::core::StsUnmatchedSizes, message));
        }
        let (bytes, pixels) = (rgb.data_bytes()?, rgb.total());
        let value = |byte: u8| (f32::from(byte) - self.shift) * self.scale;
        if let Some(numbers) = planes.as_slice_mut() {
            let (first, rest) = numbers.split_at_mut(pixels);
            let (second, third) = rest.split_at_mut(pixels);
            let (red, blue) = if self.order == Order::Rgb { (first, third) } else { (third, first) };
            let planes = red.iter_mut().zip(second).zip(blue);
            for (pixel, ((red, green), blue)) in bytes.as_chunks::<3>().0.iter().zip(planes) {
                (*red, *green, *blue) = (value(pixel[0]), value(pixel[1]), value(pixel[2]));
            }
            return Ok(());
        }
        for ((plane, row, column), number) in
            planes.indexed_iter_mut().map(|(at, number)| ((at[0], at[1], at[2]), number))
        {
            let channel = if self.order == Order::Rgb { plane } else { 2 - plane };
            *number = value(bytes[(row * wanted[2] + column) * 3 + channel]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;
    use opencv::core::{CV_8UC3, Scalar};

    #[test]
    fn planes_are_in_the_model_s_order() {
        let rgb = Mat::new_rows_cols_with_default(2, 3, CV_8UC3, Scalar::new(10.0, 20.0, 30.0, 0.0)).unwrap();
        let mut planes = Array3::<f32>::zeros((3, 2, 3));
        Planes { order: Order::Bgr, shift: 10.0, scale: 0.5 }.write(&rgb, planes.view_mut().into_dyn()).unwrap();
        assert_eq!([planes[[0, 1, 2]], planes[[1, 0, 0]], planes[[2, 1, 1]]], [10.0, 5.0, 0.0]);
        // Not contiguous: the same numbers.
        let mut wide = Array3::<f32>::zeros((3, 2, 4));
        let view = wide.slice_mut(ndarray::s![.., .., ..3]).into_dyn();
        Planes { order: Order::Rgb, shift: 0.0, scale: 1.0 }.write(&rgb, view).unwrap();
        assert_eq!([wide[[0, 1, 2]], wide[[1, 0, 0]], wide[[2, 1, 1]], wide[[2, 1, 3]]], [10.0, 20.0, 30.0, 0.0]);
        let wrong = Planes { order: Order::Rgb, shift: 0.0, scale: 1.0 }
            .write(&rgb, Array3::zeros((3, 2, 2)).view_mut().into_dyn());
        assert!(wrong.is_err());
    }
}
