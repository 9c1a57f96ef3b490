//! Lighting against pictures whose light is known.
#![cfg(test)]

mod direction;
mod exposure;
mod extremes;
mod illuminant;
mod shadows;
mod stage;

use framefleet_frames::Lighting;
use framefleet_testkit::{Picture, srgb_encode};
use framefleet_testkit_stage::rgb8;
use lighting::{LightingSettings, measure};

/// The lighting of a picture under default settings.
pub fn lighting(picture: &Picture) -> Lighting {
    measure(&rgb8(picture), &LightingSettings::default()).unwrap()
}

/// A grey picture from linear light at every pixel.
pub fn lit(width: u32, height: u32, light: impl Fn(u32, u32) -> f64) -> Picture {
    Picture::from_fn(width, height, |x, y| [srgb_encode(light(x, y)); 3])
}

/// Light of a weakly structured surface, 0.9 to 1.1: what keeps a painted wall from being one single value.
pub fn grain(x: u32, y: u32) -> f64 {
    0.9 + 0.2 * f64::from((x * 7919 + y * 104_729) % 97) / 96.0
}
