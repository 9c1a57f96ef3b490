//! Flow for people and for other programs: colour pictures and .flo files.
use crate::field::Scale;
use framefleet_vision::VisionError;
use framefleet_vision::image_file::{Encoding, encode};
use opencv::core::{Mat, Vec2f, Vec3b};
use opencv::prelude::*;
use std::f64::consts::TAU;
use std::io::{self, Write};

/// Steps of the wheel from one primary or secondary colour to the next: red, yellow, green, cyan, blue, magenta, red. More
/// where the eye tells more hues apart (Baker et al. 2011, "A Database and Evaluation Methodology for Optical Flow").
const WHEEL_STEPS: [usize; 6] = [15, 6, 4, 11, 13, 6];
/// The colours those steps lead from, RGB.
const WHEEL_COLOURS: [[f64; 3]; 6] =
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]];
/// First bytes of a .flo file, as a little-endian float.
const FLO_MAGIC: f32 = 202_021.25;

/// Flow as a PNG picture in the Middlebury colour code: hue says where to, saturation how fast; white is still. Full
/// saturation is the speed `full`, in pixels of the field; faster is darker.
pub fn flow_png(flow: &Mat, full: f64) -> Result<Vec<u8>, VisionError> {
    let wheel = wheel();
    let mut picture = Mat::new_rows_cols_with_default(flow.rows(), flow.cols(), Vec3b::opencv_type(), 255.0.into())?;
    for y in 0..flow.rows() {
        let vectors = flow.at_row::<Vec2f>(y)?;
        for (pixel, vector) in picture.at_row_mut::<Vec3b>(y)?.iter_mut().zip(vectors) {
            *pixel = colour(&wheel, f64::from(vector[0]) / full, f64::from(vector[1]) / full);
        }
    }
    encode(&picture, Encoding::Png)
}

/// Writes a Middlebury .flo file: magic, width and height, then (u, v) row by row, little-endian; vectors are in pixels of
/// the full frame.
pub fn write_flo(flow: &Mat, scale: Scale, file: &mut impl Write) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(12 + flow.total() * 8);
    bytes.extend(FLO_MAGIC.to_le_bytes());
    bytes.extend(flow.cols().to_le_bytes());
    bytes.extend(flow.rows().to_le_bytes());
    for vector in flow.data_typed::<Vec2f>().map_err(io::Error::other)? {
        bytes.extend((vector[0] * scale.x as f32).to_le_bytes());
        bytes.extend((vector[1] * scale.y as f32).to_le_bytes());
    }
    file.write_all(&bytes)
}

/// The colours of the wheel, RGB 0–1.
fn wheel() -> Vec<[f64; 3]> {
    let mut colours = Vec::new();
    for (index, steps) in WHEEL_STEPS.iter().enumerate() {
        let (from, to) = (WHEEL_COLOURS[index], WHEEL_COLOURS[(index + 1) % WHEEL_COLOURS.len()]);
        colours.extend((0..*steps).map(|step| blend(from, to, step as f64 / *steps as f64)));
    }
    colours
}

/// From one colour to another.
fn blend(from: [f64; 3], to: [f64; 3], share: f64) -> [f64; 3] {
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

/// RGB colour of a vector, 1 = full saturation.
fn colour(wheel: &[[f64; 3]], u: f64, v: f64) -> Vec3b {
    let speed = u.hypot(v);
    let turn = (-v).atan2(-u) / TAU + 0.5;
    let position = turn * (wheel.len() - 1) as f64;
    let index = (position as usize).min(wheel.len() - 1);
    let hue = blend(wheel[index], wheel[(index + 1) % wheel.len()], position.fract());
    let shade = |channel: f64| if speed <= 1.0 { 1.0 - speed * (1.0 - channel) } else { channel * 0.75 };
    let [red, green, blue] = hue.map(|channel| (shade(channel) * 255.0) as u8);
    Vec3b::from([red, green, blue])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_is_white_and_directions_have_the_code_s_colours() {
        let wheel = wheel();
        assert_eq!(wheel.len(), 55);
        assert_eq!(colour(&wheel, 0.0, 0.0), Vec3b::from([255, 255, 255]));
        // Red to the right, yellow-green down, cyan to the left, blue to magenta up.
        let [red, green, _] = colour(&wheel, 1.0, 0.0).0;
        assert!(red > 250 && green < 20);
        let [red, green, blue] = colour(&wheel, -1.0, 0.0).0;
        assert!(blue > 240 && green > 180 && red < 20);
        let [red, green, blue] = colour(&wheel, 0.0, 1.0).0;
        assert!(blue < 20 && green > 200 && red > 150);
        let [red, green, blue] = colour(&wheel, 0.0, -1.0).0;
        assert!(blue > 240 && green < 40 && red > 50);
    }

    #[test]
    fn flo_file_has_the_published_layout() {
        let flow = Mat::new_rows_cols_with_default(2, 3, Vec2f::opencv_type(), (1.5, -2.0).into()).unwrap();
        let mut bytes = Vec::new();
        write_flo(&flow, Scale { x: 2.0, y: 2.0 }, &mut bytes).unwrap();
        assert_eq!(&bytes[..4], b"PIEH");
        assert_eq!(bytes[4..12], [3, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(bytes.len(), 12 + 6 * 8);
        assert_eq!(bytes[12..16], 3.0_f32.to_le_bytes());
        assert_eq!(bytes[16..20], (-4.0_f32).to_le_bytes());
    }
}
