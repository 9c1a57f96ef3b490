//! A picture with structure at several scales that can be looked at through any similarity transform.
use crate::Picture;
use parking_lot::Mutex;
use std::sync::Arc;

/// Side of the square that the texture repeats with, pixels.
const SIDE: usize = 512;
/// Textures that are kept once they are made: tests ask for the same one for every frame, and making it takes longer than painting a frame.
const KEPT: usize = 8;
/// Wavelengths of the noise, pixels, and how strong each is. Nothing is finer than 8 pixels, so that zooming out to a half
/// still makes no aliases.
const OCTAVES: [(usize, f32); 5] = [(8, 0.9), (16, 1.0), (32, 1.0), (64, 0.8), (128, 0.6)];

/// Where the texture's content lies in a picture: texture point `u` (relative to the texture's centre, pixels) appears at
/// `centre + (x, y) + zoom · R(degrees) · u`, with `centre` the picture's centre, y down and positive degrees clockwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// How far content lies to the right, pixels.
    pub x: f64,
    /// How far content lies down, pixels.
    pub y: f64,
    /// Scale; 2 shows content twice as large.
    pub zoom: f64,
    /// Clockwise rotation about the picture's centre.
    pub degrees: f64,
}

impl Default for Similarity {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, zoom: 1.0, degrees: 0.0 }
    }
}

impl Similarity {
    /// Content moved by `n` steps of this transform: translation and angle grow linearly, zoom geometrically.
    pub fn times(&self, n: f64) -> Self {
        Self { x: self.x * n, y: self.y * n, zoom: self.zoom.powf(n), degrees: self.degrees * n }
    }

    /// The texture point (relative to its centre) that appears at a point relative to the picture's centre.
    pub fn texture_point(&self, dx: f64, dy: f64) -> (f64, f64) {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let (px, py) = ((dx - self.x) / self.zoom, (dy - self.y) / self.zoom);
        (cos * px + sin * py, -sin * px + cos * py)
    }

    /// The point relative to the picture's centre at which a texture point appears.
    pub fn picture_point(&self, u: f64, v: f64) -> (f64, f64) {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        (self.x + self.zoom * (cos * u - sin * v), self.y + self.zoom * (sin * u + cos * v))
    }

    /// True motion of what is seen at pixel (x, y) of a `width` × `height` picture, from this transform to `next`, pixels.
    pub fn motion(&self, next: &Self, width: u32, height: u32, x: f64, y: f64) -> (f64, f64) {
        let (cx, cy) = centre(width, height);
        let (u, v) = self.texture_point(x - cx, y - cy);
        let (nx, ny) = next.picture_point(u, v);
        (nx + cx - x, ny + cy - y)
    }
}

/// Colour noise over a square of 512 pixels that repeats in all directions; the same for the same seed on every machine.
#[derive(Clone, Debug)]
pub struct Texture {
    rgb: Arc<[[f32; 3]]>,
}

impl Texture {
    /// The texture of a seed.
    pub fn noise(seed: u64) -> Self {
        static MADE: Mutex<Vec<(u64, Texture)>> = Mutex::new(Vec::new());
        let known = |made: &[(u64, Self)]| made.iter().find(|(of, _)| *of == seed).map(|(_, texture)| texture.clone());
        if let Some(texture) = known(&MADE.lock()) {
            return texture;
        }
        let texture = Self::made(seed);
        let mut made = MADE.lock();
        if made.len() == KEPT {
            made.remove(0);
        }
        made.push((seed, texture.clone()));
        texture
    }

    fn made(seed: u64) -> Self {
        let luma = octaves(seed, &OCTAVES);
        let tints: Vec<Vec<f32>> = (1..=3).map(|n| octaves(seed.wrapping_add(n * 7919), &OCTAVES[2..])).collect();
        let rgb = luma.iter().enumerate().map(|(at, &grey)| {
            std::array::from_fn(|channel| (128.0 + 55.0 * grey + 20.0 * tints[channel][at]).clamp(4.0, 251.0))
        });
        Self { rgb: rgb.collect() }
    }

    /// The texture through `transform`, sampled bicubically (Catmull–Rom).
    pub fn view(&self, width: u32, height: u32, transform: &Similarity) -> Picture {
        let (cx, cy) = centre(width, height);
        Picture::from_fn(width, height, |x, y| {
            let (u, v) = transform.texture_point(f64::from(x) - cx, f64::from(y) - cy);
            self.sample(u, v).map(|value| value.round().clamp(0.0, 255.0) as u8)
        })
    }

    /// The colour at a texture point, 0..255.
    pub fn sample(&self, u: f64, v: f64) -> [f32; 3] {
        let (column, row) = (u.floor(), v.floor());
        let (wx, wy) = (catmull_rom((u - column) as f32), catmull_rom((v - row) as f32));
        let mut colour = [0.0; 3];
        for (j, weight_y) in wy.iter().enumerate() {
            let line = wrap(row as i64 + j as i64 - 1) * SIDE;
            for (i, weight_x) in wx.iter().enumerate() {
                let texel = self.rgb[line + wrap(column as i64 + i as i64 - 1)];
                for (sum, value) in colour.iter_mut().zip(texel) {
                    *sum += weight_x * weight_y * value;
                }
            }
        }
        colour
    }
}

/// Centre of a picture in pixel coordinates (the centre of pixel (0, 0) is (0, 0)).
fn centre(width: u32, height: u32) -> (f64, f64) {
    (f64::from(width - 1) / 2.0, f64::from(height - 1) / 2.0)
}

fn wrap(position: i64) -> usize {
    position.rem_euclid(SIDE as i64) as usize
}

/// Weights of the four samples around a fraction.
fn catmull_rom(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [0.5 * (-t3 + 2.0 * t2 - t), 0.5 * (3.0 * t3 - 5.0 * t2 + 2.0), 0.5 * (-3.0 * t3 + 4.0 * t2 + t), 0.5 * (t3 - t2)]
}

/// Sum of value noises, each smooth between random lattice values in −1..1.
fn octaves(seed: u64, octaves: &[(usize, f32)]) -> Vec<f32> {
    let mut sum = vec![0.0; SIDE * SIDE];
    for &(wavelength, strength) in octaves {
        let cells = SIDE / wavelength;
        let lattice = |column: usize, row: usize| noise(seed, wavelength, column % cells, row % cells);
        for y in 0..SIDE {
            let (row, ty) = (y / wavelength, smooth(y % wavelength, wavelength));
            for x in 0..SIDE {
                let (column, tx) = (x / wavelength, smooth(x % wavelength, wavelength));
                let top = mix(lattice(column, row), lattice(column + 1, row), tx);
                let bottom = mix(lattice(column, row + 1), lattice(column + 1, row + 1), tx);
                sum[y * SIDE + x] += strength * mix(top, bottom, ty);
            }
        }
    }
    sum
}

fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Smoothstep of a position inside a cell.
fn smooth(position: usize, wavelength: usize) -> f32 {
    let t = position as f32 / wavelength as f32;
    t * t * (3.0 - 2.0 * t)
}

/// A value in −1..1 that depends on its arguments alone (SplitMix64's finaliser).
fn noise(seed: u64, wavelength: usize, column: usize, row: usize) -> f32 {
    let mut z = seed ^ (wavelength as u64) << 48 ^ (column as u64) << 24 ^ row as u64;
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_pixel_shifts_are_exact() {
        let texture = Texture::noise(1);
        let still = texture.view(64, 48, &Similarity::default());
        let moved = texture.view(64, 48, &Similarity { x: 5.0, y: -3.0, ..Default::default() });
        for (x, y) in [(0, 3), (20, 20), (58, 47)] {
            assert_eq!(still.get(x, y), moved.get(x + 5, y - 3));
        }
    }

    #[test]
    fn transforms_invert() {
        let transform = Similarity { x: 3.5, y: -2.0, zoom: 1.1, degrees: 17.0 };
        let (u, v) = transform.texture_point(12.0, -7.0);
        let (x, y) = transform.picture_point(u, v);
        assert!((x - 12.0).abs() < 1e-9 && (y + 7.0).abs() < 1e-9);
    }

    #[test]
    fn clockwise_rotation_takes_the_right_edge_down() {
        let (x, y) = Similarity { degrees: 90.0, ..Default::default() }.picture_point(10.0, 0.0);
        assert!(x.abs() < 1e-9 && (y - 10.0).abs() < 1e-9);
    }

    #[test]
    fn contrast_is_enough_for_matching() {
        let picture = Texture::noise(3).view(128, 128, &Similarity::default());
        let mean = picture.rgb.iter().map(|&v| f64::from(v)).sum::<f64>() / picture.rgb.len() as f64;
        let variance =
            picture.rgb.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / picture.rgb.len() as f64;
        assert!(variance.sqrt() > 20.0, "{}", variance.sqrt());
    }
}
