//! A picture that is drawn on.
use crate::ExportError;
use framefleet_frames::{Image, Mask, PixelFormat, made};
use framefleet_vision::mask_products::tint;
use framefleet_vision::{VisionError, masks, mat};
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
}

impl Canvas {
    /// A copy of a frame in 8-bit RGB; `full` is the size of the source's full frame.
    pub fn of(image: &Image, full: (u32, u32)) -> Result<Self, ExportError> {
        let picture = mat::rgb8(image)?.try_clone()?;
        let line = (picture.cols().max(picture.rows()) / 480).max(1);
        let scale = made::scale(image, full);
        Ok(Self { picture, scale: (scale.0 as f32, scale.1 as f32), line })
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
        if let Some(covered) = masks::union([mask], size)? {
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

    /// The outline of a box, and a word above it.
    pub fn boxed(&mut self, corners: [f32; 4], word: &str, colour: Scalar) -> Result<(), ExportError> {
        let [x0, y0, x1, y1] = corners;
        let (Point { x: x0, y: y0 }, Point { x: x1, y: y1 }) = (self.point([x0, y0]), self.point([x1, y1]));
        let outline = Rect::new(x0, y0, (x1 - x0).max(1), (y1 - y0).max(1));
        imgproc::rectangle(&mut self.picture, outline, colour, self.line, imgproc::LINE_8, 0)?;
        let place = Point::new(x0, (y0 - 2 * self.line).max(12 * self.line));
        let size = 0.45 * f64::from(self.line);
        let font = imgproc::FONT_HERSHEY_SIMPLEX;
        Ok(imgproc::put_text(&mut self.picture, word, place, font, size, colour, self.line, imgproc::LINE_AA, false)?)
    }

    fn point(&self, [x, y]: [f32; 2]) -> Point {
        // Far outside is as good as any place outside; OpenCV counts in 32 bits.
        let pixel = |at: f32, scale: f32| (at * scale).clamp(-1e5, 1e5).round() as i32;
        Point::new(pixel(x, self.scale.0), pixel(y, self.scale.1))
    }
}
