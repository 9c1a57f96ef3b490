//! Picture to numbers: resized as the model's family was trained, every channel normalised.
use crate::Family;
use crate::resize::{Filter, resize};
use ndarray::{Array3, ArrayView3, s};

/// Means of red, green and blue over CLIP's training pictures.
const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Their standard deviations.
const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];
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

/// How a picture of any size becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// The short side to the square's, then its middle.
    Crop,
    /// Both sides to the square's.
    Stretch,
}

/// How pictures are prepared for a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessing {
    side: usize,
    fit: Fit,
    filter: Filter,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Preprocessing {
    /// That of a family, for squares of a side in pixels. CLIP: bicubic to the short side, the middle cut out, its own means and deviations.
    /// SigLIP 2: bilinear to the square, (x ÷ 255 − 0.5) ÷ 0.5.
    pub fn of(family: Family, side: usize) -> Self {
        match family {
            Family::Clip => Self { side, fit: Fit::Crop, filter: Filter::Bicubic, mean: CLIP_MEAN, std: CLIP_STD },
            Family::Siglip => Self { side, fit: Fit::Stretch, filter: Filter::Bilinear, mean: [0.5; 3], std: [0.5; 3] },
        }
    }

    /// Width and height that the model takes, pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Levels 0…255 of what the model sees of a picture: height × width × RGB in, side × side × RGB out. Resizing averages over all pixels
    /// that fall into one where it makes smaller.
    ///
    /// # Errors
    /// [`PictureError`] says which size cannot be prepared.
    pub fn levels(&self, picture: ArrayView3<'_, u8>) -> Result<Array3<u8>, PictureError> {
        let (height, width, channels) = picture.dim();
        if channels != 3 || !(1..=LONGEST).contains(&height) || !(1..=LONGEST).contains(&width) {
            return Err(PictureError::Shape { height, width, channels });
        }
        let side = self.side;
        match self.fit {
            Fit::Stretch => Ok(resize(picture, side, side, self.filter)?),
            Fit::Crop => {
                let short = height.min(width);
                if height.max(width) > 200 * short {
                    return Err(PictureError::Narrow { height, width });
                }
                let (rows, columns) = (side * height / short, side * width / short);
                let resized = resize(picture, rows, columns, self.filter)?;
                let (top, left) = ((rows - side) / 2, (columns - side) / 2);
                Ok(resized.slice(s![top..top + side, left..left + side, ..]).to_owned())
            }
        }
    }

    /// What the model takes: RGB × side × side, (level ÷ 255 − mean) ÷ deviation.
    ///
    /// # Errors
    /// [`PictureError`] says which size cannot be prepared.
    pub fn apply(&self, picture: ArrayView3<'_, u8>) -> Result<Array3<f32>, PictureError> {
        let levels = self.levels(picture)?;
        Ok(Array3::from_shape_fn((3, self.side, self.side), |(channel, y, x)| {
            (f32::from(levels[[y, x, channel]]) / 255.0 - self.mean[channel]) / self.std[channel]
        }))
    }
}
