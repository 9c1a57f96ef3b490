//! How much a face is good for: its size, sharpness, and where the head points.
use crate::face::detection::Detection;
use crate::face::embedding::TEMPLATE;
use framefleet_frames::FaceQuality;
use opencv::core::{CV_64F, Mat, mean_std_dev_def};
use opencv::imgproc;
use opencv::prelude::*;

/// Faces of this size or smaller are useless, pixels …
const SIZE_NONE: f32 = 8.0;
/// … and those of this size or larger all that they can.
const SIZE_FULL: f32 = 56.0;
/// Variance of the Laplacian at which sharpness counts half.
const SHARPNESS_HALF: f32 = 20.0;
/// A face whose second look gives less is no face …
const DOUBTFUL: f32 = 0.5;
/// … and one that gives more is one.
const CONFIRMED: f32 = 0.7;
/// Depth of the landmarks towards the viewer, in pixels of the aligned face: the nose is about half a distance of the eyes in
/// front of them, the corners of the mouth a little.
const DEPTHS: [f64; 5] = [0.0, 0.0, 18.0, 3.0, 3.0];

/// Quality of a face in the image it was found in; `aligned` is its aligned crop, `norm` the length of its embedding.
pub fn quality(face: &Detection, aligned: &Mat, norm: f32) -> opencv::Result<FaceQuality> {
    let [yaw, pitch, roll] = pose(&face.landmarks);
    let (size, sharpness) = (face.size(), sharpness(aligned)?);
    let detail = ((size - SIZE_NONE) / (SIZE_FULL - SIZE_NONE)).clamp(0.0, 1.0);
    let focus = sharpness / (sharpness + SHARPNESS_HALF);
    let facing = yaw.to_radians().cos().max(0.0) * pitch.to_radians().cos().max(0.0);
    let sure = ((face.confirmed - DOUBTFUL) / (CONFIRMED - DOUBTFUL)).clamp(0.0, 1.0);
    let value = (face.score * (detail * focus).sqrt() * facing * sure).clamp(0.0, 1.0);
    Ok(FaceQuality { size, sharpness, yaw, pitch, roll, norm, value, confirmed: Some(face.confirmed) })
}

/// Variance of the Laplacian of the luma.
fn sharpness(rgb: &Mat) -> opencv::Result<f32> {
    let (mut grey, mut edges) = (Mat::default(), Mat::default());
    imgproc::cvt_color_def(rgb, &mut grey, imgproc::COLOR_RGB2GRAY)?;
    imgproc::laplacian_def(&grey, &mut edges, CV_64F)?;
    let (mut mean, mut deviation) = (Mat::default(), Mat::default());
    mean_std_dev_def(&edges, &mut mean, &mut deviation)?;
    Ok(deviation.at::<f64>(0)?.powi(2) as f32)
}

/// Yaw, pitch and roll in degrees: the rotation of the template that, seen from far away, puts the landmarks where they are
/// (the linear step of POSIT, DeMenthon and Davis 1995). Zeros when the landmarks allow none.
fn pose(landmarks: &[[f32; 2]; 5]) -> [f32; 3] {
    // x to the right, y down, z away from the viewer.
    let model = centred(std::array::from_fn(|i| [f64::from(TEMPLATE[i][0]), f64::from(TEMPLATE[i][1]), -DEPTHS[i]]));
    let seen = centred(std::array::from_fn(|i| [f64::from(landmarks[i][0]), f64::from(landmarks[i][1]), 0.0]));
    let mut square = [[0.0; 3]; 3];
    let mut mixed = [[0.0; 3]; 2];
    for (m, s) in model.iter().zip(&seen) {
        for row in 0..3 {
            (0..3).for_each(|column| square[row][column] += m[row] * m[column]);
            (0..2).for_each(|axis| mixed[axis][row] += s[axis] * m[row]);
        }
    }
    let Some(inverse) = inverse(&square) else { return [0.0; 3] };
    let row = |axis: usize| unit(std::array::from_fn(|i| (0..3).map(|j| mixed[axis][j] * inverse[j][i]).sum()));
    let (Some(right), Some(down)) = (row(0), row(1)) else { return [0.0; 3] };
    let Some(away) = unit(cross(&right, &down)) else { return [0.0; 3] };
    let down = cross(&away, &right);
    // The model looks towards −z: where that points in the image once the head is upright.
    let roll = down[0].atan2(right[0]);
    let (x, y, z) = (-right[2], -down[2], -away[2]);
    let (x, y) = (x * roll.cos() + y * roll.sin(), y * roll.cos() - x * roll.sin());
    let angles = [x.atan2(-z), (-y).atan2(x.hypot(z)), roll];
    angles.map(|angle| angle.to_degrees() as f32)
}

fn centred(points: [[f64; 3]; 5]) -> [[f64; 3]; 5] {
    let mean: [f64; 3] = std::array::from_fn(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / 5.0);
    points.map(|point| std::array::from_fn(|axis| point[axis] - mean[axis]))
}

fn cross(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(vector: [f64; 3]) -> Option<[f64; 3]> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    (length.is_finite() && length > 1e-9).then(|| vector.map(|value| value / length))
}

/// Inverse of a 3 × 3 matrix; `None` when it has none.
fn inverse(m: &[[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let columns = [cross(&m[1], &m[2]), cross(&m[2], &m[0]), cross(&m[0], &m[1])];
    let determinant: f64 = (0..3).map(|i| m[0][i] * columns[0][i]).sum();
    if !(determinant.abs() > 1e-9 && determinant.is_finite()) {
        return None;
    }
    Some(std::array::from_fn(|row| std::array::from_fn(|column| columns[column][row] / determinant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The landmarks of the model, turned and seen from far away.
    fn turned(yaw: f64, pitch: f64, roll: f64) -> [[f32; 2]; 5] {
        let (yaw, pitch, roll) = (yaw.to_radians(), pitch.to_radians(), roll.to_radians());
        std::array::from_fn(|i| {
            let [x, y] = TEMPLATE[i].map(f64::from);
            let (x, y, z) = (x - 56.0, y - 72.0, -DEPTHS[i]);
            // Down-up first, then sideways, then in the plane.
            let (y, z) = (y * pitch.cos() + z * pitch.sin(), z * pitch.cos() - y * pitch.sin());
            let (x, z) = (x * yaw.cos() - z * yaw.sin(), x * yaw.sin() + z * yaw.cos());
            let _ = z;
            [(x * roll.cos() - y * roll.sin()) as f32 * 2.0, (x * roll.sin() + y * roll.cos()) as f32 * 2.0]
        })
    }

    #[test]
    fn a_turned_head_is_measured() {
        for (yaw, pitch, roll) in
            [(0.0, 0.0, 0.0), (30.0, 0.0, 0.0), (-50.0, 0.0, 20.0), (0.0, 25.0, 0.0), (20.0, -15.0, -10.0)]
        {
            let found = pose(&turned(yaw, pitch, roll)).map(f64::from);
            for (found, truth) in found.iter().zip([yaw, pitch, roll]) {
                assert!((found - truth).abs() < 6.0, "{found:.1} for {truth} of {yaw} {pitch} {roll}");
            }
        }
        assert_eq!(pose(&[[3.0, 3.0]; 5]), [0.0; 3]);
    }

    #[test]
    fn what_is_small_blurred_or_turned_away_is_worth_less() {
        let mut sharp = Mat::new_rows_cols_with_default(112, 112, opencv::core::CV_8UC3, 0.0.into()).unwrap();
        for (index, byte) in sharp.data_bytes_mut().unwrap().iter_mut().enumerate() {
            *byte = if (index / 3) % 9 < 4 { 200 } else { 90 };
        }
        let mut blurred = Mat::default();
        imgproc::gaussian_blur_def(&sharp, &mut blurred, opencv::core::Size::new(15, 15), 5.0).unwrap();
        let face = |size: f32, yaw| Detection {
            bbox: [0.0, 0.0, size, size * 1.2],
            landmarks: turned(yaw, 0.0, 0.0),
            score: 0.9,
            confirmed: 0.9,
        };
        let value = |face: &Detection, picture: &Mat| quality(face, picture, 10.0).unwrap().value;
        let best = value(&face(100.0, 0.0), &sharp);
        assert!(best > 0.75, "{best}");
        assert!(value(&face(20.0, 0.0), &sharp) < 0.6 * best);
        assert!(value(&face(100.0, 0.0), &blurred) < 0.8 * best);
        assert!(value(&face(100.0, 70.0), &sharp) < 0.5 * best);
        assert_eq!(value(&Detection { confirmed: 0.4, ..face(100.0, 0.0) }, &sharp), 0.0);
    }
}
