//! A picture that is drawn on.
use crate::ExportError;
use framefleet_frames::{Image, Mask, PixelFormat, made};
use framefleet_masks::tint;
use framefleet_masks::union;
use framefleet_vision::{VisionError, mat};
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Point, Rect, Scalar};
use opencv::imgproc;

/// Colours of ids: bright, far apart in hue, and again from the start when they run out.
const COLOURS: [[f64; 3]; 10] = [
    [255.0, 99.0, 71.0],
    [64.0, 200.0, 255.0],
    [130.0, 230.0, 80.0],
    [255.0, 200.0, 40.0],
    [220.0, 120.0, 255.0],
    [0.0, 220.0, 180.0],
    [255.0, 140.0, 180.0],
    [150.0, 160.0, 255.0],
    [200.0, 180.0, 120.0],
    [240.0, 240.0, 240.0],
];
/// Letters are no smaller, pixels.
const MIN_LETTERS: i32 = 10;
/// Height of OpenCV's Hershey capitals at size 1, pixels.
const HERSHEY_HEIGHT: f64 = 21.0;
/// Colour of what has no id.
const GREY: [f64; 3] = [150.0, 150.0, 150.0];

/// The colour of an id.
pub(crate) fn colour(id: Option<u32>) -> Scalar {
    let [r, g, b] = id.map_or(GREY, |id| COLOURS[id as usize % COLOURS.len()]);
    Scalar::new(r, g, b, 0.0)
}

/// An 8-bit RGB picture of a frame to draw on, of the full frame's size or another. Points are pixels of the full frame.
pub(crate) struct Canvas {
    picture: Mat,
    /// Pixels of the picture per pixel of the full frame.
    scale: (f32, f32),
    /// Thickness of lines, pixels.
    line: i32,
    /// Height of capital letters, pixels.
    letters: i32,
}

impl Canvas {
    /// A copy of a frame in 8-bit RGB; `full` is the size of the source's full frame.
    pub fn of(image: &Image, full: (u32, u32)) -> Result<Self, ExportError> {
        let picture = mat::rgb8(image)?.try_clone()?;
        let long = picture.cols().max(picture.rows());
        let (line, letters) = ((long / 480).max(1), (long / 60).max(MIN_LETTERS));
        let scale = made::scale(image, full);
        Ok(Self { picture, scale: (scale.0 as f32, scale.1 as f32), line, letters })
    }

    /// The picture.
    pub fn into_image(self) -> Result<Image, ExportError> {
        let (width, height) = (self.picture.cols() as u32, self.picture.rows() as u32);
        let bytes = self.picture.data_bytes()?.to_vec();
        Image::new(PixelFormat::Rgb8, width, height, bytes).map_err(|_| VisionError::Empty { width, height }.into())
    }

    /// A mask, half transparent, brought to the picture's size.
    pub fn tinted(&mut self, mask: &Mask, colour: Scalar) -> Result<(), ExportError> {
        let size = (self.picture.cols() as u32, self.picture.rows() as u32);
        if let Some(covered) = union([mask], size)? {
            let rgb = [colour[0], colour[1], colour[2]].map(|channel| channel as u8);
            tint(&mut self.picture, &covered, imgproc::bounding_rect(&covered)?, rgb)?;
        }
        Ok(())
    }

    /// A line.
    pub fn line(&mut self, from: [f32; 2], to: [f32; 2], colour: Scalar) -> Result<(), ExportError> {
        let (from, to) = (self.point(from), self.point(to));
        Ok(imgproc::line(&mut self.picture, from, to, colour, 2 * self.line, imgproc::LINE_AA, 0)?)
    }

    /// A filled dot.
    pub fn dot(&mut self, at: [f32; 2], colour: Scalar) -> Result<(), ExportError> {
        let (at, radius) = (self.point(at), 2 * self.line);
        Ok(imgproc::circle(&mut self.picture, at, radius, colour, imgproc::FILLED, imgproc::LINE_AA, 0)?)
    }

    /// The outline of a box, and a word above it, or in it where there is no room above.
    pub fn boxed(&mut self, corners: [f32; 4], word: &str, colour: Scalar) -> Result<(), ExportError> {
        let [x0, y0, x1, y1] = corners;
        let (Point { x: x0, y: y0 }, Point { x: x1, y: y1 }) = (self.point([x0, y0]), self.point([x1, y1]));
        let outline = Rect::new(x0, y0, (x1 - x0).max(1), (y1 - y0).max(1));
        imgproc::rectangle(&mut self.picture, outline, colour, self.line, imgproc::LINE_8, 0)?;
        if word.is_empty() { Ok(()) } else { self.word(Point::new(x0, y0), word, colour) }
    }

    /// A word on a plate of the colour, above a point and inside the picture.
    fn word(&mut self, at: Point, word: &str, colour: Scalar) -> Result<(), ExportError> {
        let font = imgproc::FONT_HERSHEY_SIMPLEX;
        let (size, thickness) = (f64::from(self.letters) / HERSHEY_HEIGHT, (self.letters / 9).max(1));
        let mut below = 0;
        let text = imgproc::get_text_size(word, font, size, thickness, &mut below)?;
        let margin = (self.letters / 4).max(1);
        let (width, height) = (text.width + 2 * margin, text.height + below + 2 * margin);
        let inside = |at: i32, length: i32, side: i32| at.clamp(0, (side - length).max(0));
        let above = if at.y >= height { at.y - height } else { at.y };
        let (left, top) = (inside(at.x, width, self.picture.cols()), inside(above, height, self.picture.rows()));
        let plate = Rect::new(left, top, width, height);
        imgproc::rectangle(&mut self.picture, plate, colour, imgproc::FILLED, imgproc::LINE_8, 0)?;
        let place = Point::new(left + margin, top + margin + text.height);
        let ink = Scalar::default();
        Ok(imgproc::put_text(&mut self.picture, word, place, font, size, ink, thickness, imgproc::LINE_AA, false)?)
    }

    fn point(&self, [x, y]: [f32; 2]) -> Point {
        // Far outside is as good as any place outside; OpenCV counts in 32 bits.
        let pixel = |at: f32, scale: f32| (at * scale).clamp(-1e5, 1e5).round() as i32;
        Point::new(pixel(x, self.scale.0), pixel(y, self.scale.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture with a box at a corner and a word.
    fn drawn(side: u32, at: f32) -> (Image, [f64; 3]) {
        let image = Image::new(PixelFormat::Rgb8, side, side, vec![90; (side * side * 3) as usize]).unwrap();
        let mut canvas = Canvas::of(&image, (side, side)).unwrap();
        let (own, end) = (colour(Some(2)), at + side as f32 / 4.0);
        canvas.boxed([at, at, end, end], "Ada", own).unwrap();
        (canvas.into_image().unwrap(), [own[0], own[1], own[2]])
    }

    /// Rows in which the plate of the word is seen, left of the box's middle.
    fn plate(image: &Image, colour: [f64; 3], at: u32) -> Vec<u32> {
        let side = image.width();
        let is_plate = |y: &u32| {
            let x = at + side / 60;
            let pixel = ((y * side + x) * 3) as usize;
            image.data()[pixel..pixel + 3].iter().zip(colour).all(|(a, b)| (f64::from(*a) - b).abs() < 8.0)
        };
        // The lower edge of the box is not meant.
        (0..at + side / 8).filter(is_plate).collect()
    }

    #[test]
    fn words_grow_with_the_picture_and_stay_inside() {
        let (small, own) = drawn(480, 200.0);
        let (large, _) = drawn(1920, 800.0);
        let (rows, of_large) = (plate(&small, own, 200), plate(&large, own, 800));
        assert!((12..40).contains(&rows.len()), "{rows:?}");
        assert!(of_large.len() > 2 * rows.len() && rows.iter().all(|y| (150..=202).contains(y)), "{of_large:?}");
        let (at_corner, _) = drawn(480, 0.0);
        let rows = plate(&at_corner, own, 0);
        assert!(rows.len() >= 10 && rows[0] <= 1, "a box at the top has its word in it: {rows:?}");
    }
}
