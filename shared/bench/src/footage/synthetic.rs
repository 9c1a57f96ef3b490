//! A painted clip, for machines without footage: a texture that moves, so that codecs and stages have work to do.
use super::clip::{ClipWriter, rgb_image};
use super::{ScaledClip, Size};
use crate::BenchError;
use framefleet_frames::{Item, Rational};
use std::path::Path;

/// Frames per second.
const RATE: i64 = 25;

/// Paints a clip of a size.
pub fn synthetic(size: Size, frames: u64, folder: &Path) -> Result<ScaledClip, BenchError> {
    let fitted = size.fit((size.width, size.height));
    let rate = Some(Rational { num: RATE, den: 1 });
    let item = Item { frame_rate: rate, time_base: Some(Rational { num: 1, den: RATE * 1000 }), ..Item::default() };
    let mut writer = ClipWriter::create(&folder.join(format!("synthetic-{size}.mp4")), &item, fitted)?;
    for frame in 0..frames {
        let pts_ns = (frame as i64) * 1_000_000_000 / RATE;
        writer.push(&rgb_image(fitted, paint(fitted, frame))?, pts_ns)?;
    }
    writer.finish()
}

/// Bands that go to the right, over patches whose brightness is random but fixed.
fn paint((width, height): (u32, u32), frame: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(width as usize * height as usize * 3);
    let step = (frame * 3) as u32;
    for y in 0..height {
        for x in 0..width {
            let band = ((x + step) / 8 + y / 16) & 31;
            let patch = hash(((x + step) / 24) ^ ((y / 24) << 12)) & 63;
            bytes.extend([(band * 6 + patch) as u8, (255 - band * 5 - patch) as u8, (64 + patch * 2) as u8]);
        }
    }
    bytes
}

/// [Murmur3's finaliser](https://github.com/aappleby/smhasher).
fn hash(mut value: u32) -> u32 {
    value ^= value >> 16;
    value = value.wrapping_mul(0x85eb_ca6b);
    value ^= value >> 13;
    value = value.wrapping_mul(0xc2b2_ae35);
    value ^ (value >> 16)
}
