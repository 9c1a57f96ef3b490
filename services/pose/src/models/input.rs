//! Images (8-bit RGB) as the numbers that models take.
use framefleet_infer::ndarray::ArrayViewMutD;
use framefleet_vision::letterbox::Letterbox;
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual};

/// Where an image lies in an input of this size.
pub fn letterbox(picture: &impl MatTraitConst, size: (u32, u32)) -> Letterbox {
    Letterbox::centred((picture.cols() as u32, picture.rows() as u32), size)
}

/// Writes an image as whole numbers, rows first.
pub fn fill_i32(picture: &Mat, mut input: ArrayViewMutD<'_, i32>) -> opencv::Result<()> {
    for (number, byte) in input.iter_mut().zip(picture.data_bytes()?) {
        *number = i32::from(*byte);
    }
    Ok(())
}

/// Writes an image as fractions, rows first.
pub fn fill_f32(picture: &Mat, mut input: ArrayViewMutD<'_, f32>, value: impl Fn(f32) -> f32) -> opencv::Result<()> {
    for (number, byte) in input.iter_mut().zip(picture.data_bytes()?) {
        *number = value(f32::from(*byte));
    }
    Ok(())
}
