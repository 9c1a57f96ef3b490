//! Picture to numbers: the short side to the model's size, the middle cut out, every channel normalised.
use crate::bicubic::resize;
use ndarray::{Array3, ArrayView3, s};

/// Means of red, green and blue over CLIP's training pictures.
pub const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Their standard deviations.
pub const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];
/// Longest side that is taken.
const LONGEST: usize = 32_768;

/// A picture that cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// No pixels, too many, or not three channels.
    #[error(
        "a picture of {height}×{width} pixels with {channels} channels: needed are 3 channels and 1 to {LONGEST} pixels a side"
    )]
    Shape {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Channels.
        channels: usize,
    },
    /// A side of more than 200 times the other: the resized picture would be mostly cut away.
    #[error("a picture of {height}×{width} pixels is too narrow")]
    Narrow {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// The resized picture does not have its size: an error of this crate.
    #[error("resizing: {0}")]
    Resize(#[from] ndarray::ShapeError),
}

/// Pre-processing for a model of some size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessing {
    /// Width and height that the model takes, pixels.
    pub side: usize,
    /// Mean of each channel, 0…1.
    pub mean: [f32; 3],
    /// Standard deviation of each channel.
    pub std: [f32; 3],
}

impl Preprocessing {
    /// CLIP's, for this size.
    pub fn new(side: usize) -> Self {
        Self { side, mean: MEAN, std: STD }
    }

    /// Levels 0…255 of the part of a picture that the model sees: height × width × RGB in, side × side × RGB out. Resizing is bicubic
    /// (a = −0.5) and, when it makes smaller, averages over all pixels that fall into one.
    pub fn levels(&self, picture: ArrayView3<'_, u8>) -> Result<Array3<u8>, PictureError> {
        let (height, width, channels) = picture.dim();
        if channels != 3 || !(1..=LONGEST).contains(&height) || !(1..=LONGEST).contains(&width) {
            return Err(PictureError::Shape { height, width, channels });
        }
        let short = height.min(width);
        if height.max(width) > 200 * short {
            return Err(PictureError::Narrow { height, width });
        }
        let (rows, columns) = (self.side * height / short, self.side * width / short);
        let resized = resize(picture, rows, columns)?;
        let (top, left) = ((rows - self.side) / 2, (columns - self.side) / 2);
        Ok(resized.slice(s![top..top + self.side, left..left + self.side, ..]).to_owned())
    }

    /// What the model takes: RGB × side × side, (level ÷ 255 − mean) ÷ deviation.
    pub fn apply(&self, picture: ArrayView3<'_, u8>) -> Result<Array3<f32>, PictureError> {
        let levels = self.levels(picture)?;
        Ok(Array3::from_shape_fn((3, self.side, self.side), |(channel, y, x)| {
            (f32::from(levels[[y, x, channel]]) / 255.0 - self.mean[channel]) / self.std[channel]
        }))
    }
}
