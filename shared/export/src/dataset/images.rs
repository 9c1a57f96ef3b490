//! Pictures beside annotations: stills that are right as they are get copied, everything else is encoded.
use crate::{ExportError, ImageFormat};
use framefleet_frames::{ImageFile, Pictures};
use framefleet_objects::ObjectFrame;
use framefleet_vision::image_file::{Encoding, encode};
use framefleet_vision::mat::rgb8;
use image::metadata::Orientation;
use image::{ExtendedColorType, ImageDecoder, ImageReader};
use opencv::core::Mat;
use opencv::prelude::*;
use std::path::{Path, PathBuf};

const JPEG_QUALITY: u8 = 95;

/// Writes pictures of frames.
pub(crate) struct Images<'a> {
    pictures: &'a mut dyn Pictures,
    format: ImageFormat,
}

impl<'a> Images<'a> {
    /// Pictures of this format.
    pub fn new(pictures: &'a mut dyn Pictures, format: ImageFormat) -> Self {
        Self { pictures, format }
    }

    /// Extension of the files, with the dot.
    pub fn extension(&self) -> &'static str {
        self.format.extension()
    }

    /// Writes the picture of a frame as `<base><extension>`; folders above are made.
    pub fn write(&mut self, frame: &ObjectFrame<'_>, base: &Path) -> Result<PathBuf, ExportError> {
        let mut path = base.as_os_str().to_owned();
        path.push(self.extension());
        let path = PathBuf::from(path);
        let bytes = self.bytes(frame)?;
        save(&path, &bytes)?;
        Ok(path)
    }

    /// The picture of a frame as a file's bytes.
    pub fn bytes(&mut self, frame: &ObjectFrame<'_>) -> Result<Vec<u8>, ExportError> {
        if let Some(path) = frame.file.as_ref().and_then(|file| self.as_it_is(frame, file)) {
            return std::fs::read(&path).map_err(|error| wrong(frame, format!("{}: {error}", path.display())));
        }
        encoded(&self.picture(frame)?, self.extension())
    }

    /// The picture of a frame: RGB, 8 bits.
    pub fn picture(&mut self, frame: &ObjectFrame<'_>) -> Result<Mat, ExportError> {
        let found = self.pictures.picture(frame.item, frame.number).map_err(|reason| wrong(frame, reason))?;
        let found = found.ok_or_else(|| wrong(frame, "it cannot be decoded".to_owned()))?;
        Ok(rgb8(&found.image)?.try_clone()?)
    }

    /// The file of a still that is of the format, upright, of eight bits, and not in the colours of print.
    fn as_it_is(&self, frame: &ObjectFrame<'_>, file: &ImageFile) -> Option<PathBuf> {
        if file.page > 0 {
            return None;
        }
        let path = Path::new(&frame.item.location).join(&file.name);
        let reader = ImageReader::open(&path).ok()?.with_guessed_format().ok()?;
        let is_format = match self.format {
            ImageFormat::Jpg => reader.format() == Some(image::ImageFormat::Jpeg),
            ImageFormat::Png => reader.format() == Some(image::ImageFormat::Png),
        };
        let mut decoder = reader.into_decoder().ok().filter(|_| is_format)?;
        let is_upright = matches!(decoder.orientation(), Ok(Orientation::NoTransforms));
        let is_plain = matches!(decoder.original_color_type(), ExtendedColorType::L8 | ExtendedColorType::Rgb8);
        (is_upright && is_plain && decoder.dimensions() == frame.size).then_some(path)
    }
}

/// A picture (RGB, RGBA or grey) as a file's bytes.
pub(crate) fn encoded(picture: &Mat, extension: &str) -> Result<Vec<u8>, ExportError> {
    let file = if extension == ".jpg" { Encoding::Jpeg(JPEG_QUALITY) } else { Encoding::Png };
    Ok(encode(picture, file)?)
}

/// Writes a file; folders above are made.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(ExportError::write(parent))?;
    }
    std::fs::write(path, bytes).map_err(ExportError::write(path))
}

fn wrong(frame: &ObjectFrame<'_>, reason: String) -> ExportError {
    ExportError::Picture { item: frame.item.name.clone(), frame: frame.number, reason }
}
