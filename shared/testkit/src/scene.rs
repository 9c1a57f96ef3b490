//! An object that moves otherwise than the camera does.
use crate::{Picture, Similarity, Texture};

/// A textured square moving before a textured background that the camera moves past. All motion is linear in time.
#[derive(Clone, Debug)]
pub struct MovingSquare {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Motion of the background's content per frame.
    pub camera: Similarity,
    /// Left edge, top edge and side of the square in frame 0, pixels.
    pub square: (f64, f64, f64),
    /// Motion of the square per frame in the picture, pixels (the camera's is not added).
    pub velocity: (f64, f64),
    background: Texture,
    foreground: Texture,
}

impl MovingSquare {
    /// A scene with its own textures (from `seed`), a still camera and a still square in the middle, a quarter as high as
    /// the picture. Set the public fields for anything else.
    pub fn new(width: u32, height: u32, seed: u64) -> Self {
        let side = f64::from(height) / 4.0;
        let left = (f64::from(width) - side) / 2.0;
        let top = (f64::from(height) - side) / 2.0;
        Self {
            width,
            height,
            camera: Similarity::default(),
            square: (left.floor(), top.floor(), side.floor()),
            velocity: (0.0, 0.0),
            background: Texture::noise(seed),
            foreground: Texture::noise(seed ^ 0x5EED),
        }
    }

    /// Paints a frame. Edges of the square at fractions of a pixel are blended by coverage.
    pub fn paint(&self, frame: u64) -> Picture {
        let mut picture = self.background.view(self.width, self.height, &self.camera.times(frame as f64));
        let [left, top, right, bottom] = self.square_at(frame);
        for y in clip(top.floor(), self.height)..clip(bottom.ceil(), self.height) {
            for x in clip(left.floor(), self.width)..clip(right.ceil(), self.width) {
                let cover = overlap(x, left, right) * overlap(y, top, bottom);
                // The square's texture is tied to the square. It is brighter than the background, so that it stands out.
                let object = self.foreground.sample(f64::from(x) - left, f64::from(y) - top).map(|v| 0.6 * v + 100.0);
                let mixed = blend(picture.get(x, y), object, cover as f32);
                picture.set(x, y, mixed);
            }
        }
        picture
    }

    /// Edges of the square in a frame: left, top, right, bottom in pixel-edge coordinates (a box xyxy), not cut to the
    /// picture.
    pub fn square_at(&self, frame: u64) -> [f64; 4] {
        let (x, y, side) = self.square;
        let (left, top) = (x + self.velocity.0 * frame as f64, y + self.velocity.1 * frame as f64);
        [left, top, left + side, top + side]
    }

    /// Whether the centre of a pixel lies on the square.
    pub fn on_square(&self, frame: u64, x: u32, y: u32) -> bool {
        let [left, top, right, bottom] = self.square_at(frame);
        let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
        (left..right).contains(&px) && (top..bottom).contains(&py)
    }

    /// True motion at a pixel from `frame` to the next one, pixels: the square's or the camera's.
    pub fn motion_at(&self, frame: u64, x: u32, y: u32) -> (f64, f64) {
        if self.on_square(frame, x, y) {
            return self.velocity;
        }
        let (now, next) = (self.camera.times(frame as f64), self.camera.times(frame as f64 + 1.0));
        now.motion(&next, self.width, self.height, f64::from(x), f64::from(y))
    }
}

fn clip(position: f64, size: u32) -> u32 {
    position.clamp(0.0, f64::from(size)) as u32
}

/// How much of pixel `at` lies between two edges.
fn overlap(at: u32, from: f64, to: f64) -> f64 {
    (to.min(f64::from(at) + 1.0) - from.max(f64::from(at))).clamp(0.0, 1.0)
}

fn blend(under: [u8; 3], over: [f32; 3], cover: f32) -> [u8; 3] {
    std::array::from_fn(|c| (f32::from(under[c]) * (1.0 - cover) + over[c] * cover).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_and_background_move_apart() {
        let scene = MovingSquare {
            camera: Similarity { x: -2.0, ..Default::default() },
            velocity: (3.0, 1.0),
            ..MovingSquare::new(96, 64, 5)
        };
        let (a, b) = (scene.paint(0), scene.paint(1));
        assert_eq!(a.get(48, 32), b.get(51, 33), "the square's texture goes with it");
        assert_eq!(a.get(10, 10), b.get(8, 10), "the background goes with the camera");
        assert_eq!(scene.motion_at(0, 48, 32), (3.0, 1.0));
        assert_eq!(scene.motion_at(0, 10, 10), (-2.0, 0.0));
    }
}
