//! A matte sphere under one lamp: the truth for direction of light.
use crate::{Picture, colour::srgb_encode};

/// A Lambertian sphere lit by one distant lamp and ambient light, seen from the front. All levels are linear light, 1 =
/// white; the picture is sRGB-encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Radius in pixels; the sphere lies in the middle.
    pub radius: f64,
    /// Where the lamp stands, seen from the sphere: 0 = at the camera, 90 = to the right of the picture, −90 = to the left,
    /// ±180 = behind the sphere. Degrees.
    pub azimuth: f64,
    /// How high the lamp stands: 90 = above, −90 = below. Degrees.
    pub elevation: f64,
    /// Light of the lamp on a surface that faces it.
    pub key: f64,
    /// Light from everywhere.
    pub ambient: f64,
    /// Light of the background.
    pub background: f64,
}

impl Sphere {
    /// A sphere that fills most of the picture, lit from a direction (degrees), with a little ambient light before a dark
    /// background.
    pub fn lit_from(width: u32, height: u32, azimuth: f64, elevation: f64) -> Self {
        let radius = f64::from(width.min(height)) * 0.4;
        Self { width, height, radius, azimuth, elevation, key: 0.8, ambient: 0.05, background: 0.02 }
    }

    /// Unit vector to the lamp: x right, y down, z towards the camera.
    pub fn light(&self) -> [f64; 3] {
        let (azimuth, elevation) = (self.azimuth.to_radians(), self.elevation.to_radians());
        [azimuth.sin() * elevation.cos(), -elevation.sin(), azimuth.cos() * elevation.cos()]
    }

    /// Linear light at a point of the picture (pixel centres at whole coordinates).
    pub fn radiance(&self, x: f64, y: f64) -> f64 {
        let Some(normal) = self.normal(x, y) else { return self.background };
        let light = self.light();
        let facing = normal.iter().zip(light).map(|(n, l)| n * l).sum::<f64>();
        self.ambient + self.key * facing.max(0.0)
    }

    /// Unit normal of the sphere at a point of the picture, as [`Sphere::light`]; `None` on the background.
    pub fn normal(&self, x: f64, y: f64) -> Option<[f64; 3]> {
        let nx = (x - f64::from(self.width - 1) / 2.0) / self.radius;
        let ny = (y - f64::from(self.height - 1) / 2.0) / self.radius;
        let depth = 1.0 - nx * nx - ny * ny;
        (depth >= 0.0).then(|| [nx, ny, depth.sqrt()])
    }

    /// The picture; every pixel is the mean light of 2 × 2 points.
    pub fn paint(&self) -> Picture {
        Picture::from_fn(self.width, self.height, |x, y| {
            let points = [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)];
            let light = points.iter().map(|(dx, dy)| self.radiance(f64::from(x) + dx, f64::from(y) + dy)).sum::<f64>();
            [srgb_encode(light / 4.0); 3]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brightest_point_faces_the_lamp() {
        for (azimuth, elevation) in [(0.0, 0.0), (45.0, 0.0), (-45.0, 30.0), (20.0, -40.0)] {
            let sphere = Sphere::lit_from(200, 200, azimuth, elevation);
            let picture = sphere.paint();
            let brightest = picture.rgb.iter().copied().max().unwrap();
            let (mut sx, mut sy, mut n) = (0.0, 0.0, 0.0);
            for y in 0..200 {
                for x in 0..200 {
                    if picture.get(x, y)[0] == brightest {
                        (sx, sy, n) = (sx + f64::from(x), sy + f64::from(y), n + 1.0);
                    }
                }
            }
            let [lx, ly, _] = sphere.light();
            assert!((sx / n - (99.5 + 80.0 * lx)).abs() < 3.0, "{azimuth} {elevation}: x {}", sx / n);
            assert!((sy / n - (99.5 + 80.0 * ly)).abs() < 3.0, "{azimuth} {elevation}: y {}", sy / n);
        }
    }
}
