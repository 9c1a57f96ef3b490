//! Which part of coded pictures a container says is to be shown: Matroska's `PixelCrop…` (RFC 9559, 5.1.4.1.28) and the clean aperture (`clap`)
//! of MP4 and MOV (ISO 14496-12, 12.1.4). FFmpeg reports them from 7.1 on, and leaves it to its callers to apply them; so they are read here.
mod boxes;
mod ebml;

use ffmpeg_next::{ffi, frame};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Columns and rows that are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crop {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) right: u32,
    pub(crate) bottom: u32,
    /// Size at which the rest is to be shown, where the container says it of the rest: (0, 0) where it does not.
    pub(crate) shown: (u32, u32),
}

/// The crop of a file's picture stream, `place` being its number among those; nothing where the file says nothing that can be understood.
pub(crate) fn of(path: &Path, format: &str, place: usize) -> Crop {
    let Ok(file) = File::open(path) else { return Crop::default() };
    let reader = BufReader::new(file);
    let found = match format.split(',').next() {
        Some("matroska") => ebml::crop(reader, place),
        Some("mov") => boxes::crop(reader, place),
        _ => return Crop::default(),
    };
    found.ok().flatten().unwrap_or_default()
}

impl Crop {
    /// Size of what is left of pictures of a size; all of it where nothing would be.
    pub fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if !self.leaves_something(width, height) {
            return (width, height);
        }
        (width - self.left - self.right, height - self.top - self.bottom)
    }

    /// Width over height of a pixel of what is left, where the container says it of that.
    pub fn pixel_aspect(self, (width, height): (u32, u32)) -> Option<(i64, i64)> {
        let is_said = self.shown.0 > 0 && self.shown.1 > 0;
        is_said.then(|| {
            let aspect = (i64::from(self.shown.0) * i64::from(height), i64::from(self.shown.1) * i64::from(width));
            let divisor = divisor(aspect.0, aspect.1).max(1);
            (aspect.0 / divisor, aspect.1 / divisor)
        })
    }

    /// Takes off a picture what is not shown.
    pub fn apply(self, picture: &mut frame::Video) {
        if !self.leaves_something(picture.width(), picture.height()) {
            return;
        }
        // SAFETY: the frame is valid and ours; the sums were checked to leave a picture.
        unsafe {
            let raw = &mut *picture.as_mut_ptr();
            (raw.crop_left, raw.crop_right) = (self.left as usize, self.right as usize);
            (raw.crop_top, raw.crop_bottom) = (self.top as usize, self.bottom as usize);
            // It fails for formats of hardware alone, and then leaves the picture as it is.
            ffi::av_frame_apply_cropping(raw, ffi::AV_FRAME_CROP_UNALIGNED as i32);
        }
    }

    fn leaves_something(self, width: u32, height: u32) -> bool {
        let crops = self.left.max(self.top).max(self.right).max(self.bottom) > 0;
        let fits = |one: u32, other: u32, size: u32| u64::from(one) + u64::from(other) < u64::from(size);
        crops && fits(self.left, self.right, width) && fits(self.top, self.bottom, height)
    }
}

/// The greatest common divisor.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_that_leaves_nothing_is_none() {
        let crop = Crop { left: 8, right: 24, top: 2, ..Crop::default() };
        assert_eq!(crop.size((160, 80)), (128, 78));
        assert_eq!(crop.size((32, 80)), (32, 80));
        assert_eq!(Crop { right: u32::MAX, left: 1, ..crop }.size((160, 80)), (160, 80));
        assert_eq!(Crop { shown: (64, 78), ..crop }.pixel_aspect((128, 78)), Some((1, 2)));
        assert_eq!(crop.pixel_aspect((128, 78)), None);
    }
}
