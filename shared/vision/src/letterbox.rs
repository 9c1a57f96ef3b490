//! Letterboxing: an image scaled, aspect kept, into the fixed size that a model takes, and the way back.
use crate::VisionError;
use opencv::core::{BORDER_CONSTANT, Mat, MatTraitConst, Scalar, Size, ToInputArray};
use opencv::imgproc;

/// Where an image of one size lies in another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Pixels of the box per pixel of the image, across and down; they differ by rounding alone.
    scale: [f32; 2],
    /// The scaled image: left, top, width and height in the box.
    inside: [i32; 4],
    /// Width and height of the box.
    size: [i32; 2],
}

impl Letterbox {
    /// The image in the top left corner of the box, the rest padded.
    pub fn top_left(picture: (u32, u32), size: (u32, u32)) -> Self {
        Self::placed(picture, size, 0.0)
    }

    /// The image in the middle of the box, padded on both sides.
    pub fn centred(picture: (u32, u32), size: (u32, u32)) -> Self {
        Self::placed(picture, size, 0.5)
    }

    fn placed(picture: (u32, u32), size: (u32, u32), share: f32) -> Self {
        let (width, height) = (picture.0.max(1) as f32, picture.1.max(1) as f32);
        let scale = (size.0 as f32 / width).min(size.1 as f32 / height);
        let fit = |length: f32, max: u32| ((length * scale).round() as i32).clamp(1, max.max(1) as i32);
        let (w, h) = (fit(width, size.0), fit(height, size.1));
        let (left, top) = (((size.0 as i32 - w) as f32 * share) as i32, ((size.1 as i32 - h) as f32 * share) as i32);
        Self {
            scale: [w as f32 / width, h as f32 / height],
            inside: [left, top, w, h],
            size: [size.0 as i32, size.1 as i32],
        }
    }

    /// The image (any type) in its box, bilinear (by area where it shrinks to less than half), `padding` around it.
    pub fn apply(&self, picture: &(impl MatTraitConst + ToInputArray), padding: Scalar) -> Result<Mat, VisionError> {
        let [left, top, w, h] = self.inside;
        let method = if self.scale[0] < 0.5 { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
        let mut scaled = Mat::default();
        if (picture.cols(), picture.rows()) == (w, h) {
            scaled = picture.try_clone()?;
        } else {
            imgproc::resize(picture, &mut scaled, Size::new(w, h), 0.0, 0.0, method)?;
        }
        let (right, bottom) = (self.size[0] - left - w, self.size[1] - top - h);
        let mut boxed = Mat::default();
        opencv::core::copy_make_border(&scaled, &mut boxed, top, bottom, left, right, BORDER_CONSTANT, padding)?;
        Ok(boxed)
    }

    /// A point of the box, in pixels of the image. Points are continuous: pixel i spans i to i + 1.
    pub fn back(&self, point: [f32; 2]) -> [f32; 2] {
        [(point[0] - self.inside[0] as f32) / self.scale[0], (point[1] - self.inside[1] as f32) / self.scale[1]]
    }

    /// A point of the image, in pixels of the box.
    pub fn forth(&self, point: [f32; 2]) -> [f32; 2] {
        [point[0] * self.scale[0] + self.inside[0] as f32, point[1] * self.scale[1] + self.inside[1] as f32]
    }

    /// Left, top, width and height of the image in the box.
    pub fn inside(&self) -> [i32; 4] {
        self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, Vec3b};

    #[test]
    fn points_come_back() {
        let letterbox = Letterbox::centred((1920, 1080), (640, 640));
        assert_eq!(letterbox.inside(), [0, 140, 640, 360]);
        let [x, y] = letterbox.back(letterbox.forth([100.0, 900.0]));
        assert!((x - 100.0).abs() < 1e-3 && (y - 900.0).abs() < 1e-3, "{x} {y}");
        assert_eq!(Letterbox::top_left((1080, 1920), (640, 640)).inside(), [0, 0, 360, 640]);
    }

    #[test]
    fn the_picture_lies_where_it_is_said_to_lie() {
        let white = Mat::new_rows_cols_with_default(20, 40, CV_8UC3, Scalar::all(255.0)).unwrap();
        let boxed = Letterbox::centred((40, 20), (32, 32)).apply(&white, Scalar::all(7.0)).unwrap();
        assert_eq!((boxed.cols(), boxed.rows()), (32, 32));
        assert_eq!(boxed.at_2d::<Vec3b>(7, 16).unwrap()[0], 7);
        assert_eq!(boxed.at_2d::<Vec3b>(8, 16).unwrap()[0], 255);
        assert_eq!(boxed.at_2d::<Vec3b>(23, 0).unwrap()[0], 255);
        assert_eq!(boxed.at_2d::<Vec3b>(24, 0).unwrap()[0], 7);
    }

    #[test]
    fn a_sliver_keeps_a_pixel() {
        assert_eq!(Letterbox::top_left((4000, 1), (64, 64)).inside(), [0, 0, 64, 1]);
    }
}
