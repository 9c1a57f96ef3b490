//! What one mask covers, cut to the area around it.
use framefleet_frames::Mask;
use framefleet_masks::union;
use framefleet_vision::VisionError;
use opencv::core::{self, Mat, Point, Rect};
use opencv::imgproc;
use opencv::prelude::*;

/// The pixels of an object in a frame.
#[derive(Clone, Debug)]
pub struct Cover {
    /// Where `mask` lies in the frame.
    pub area: Rect,
    /// 255 on the object, 0 elsewhere (`CV_8UC1`).
    pub mask: Mat,
}

impl Cover {
    /// What a mask covers of a frame of this size; `None` when that is nothing.
    pub fn of(mask: &Mask, size: (u32, u32)) -> Result<Option<Self>, VisionError> {
        let Some(covered) = union([mask], size)? else { return Ok(None) };
        let area = imgproc::bounding_rect(&covered)?;
        Ok(Some(Self { area, mask: covered.roi(area)?.try_clone()? }))
    }

    /// The middle of the area.
    pub fn centre(&self) -> (f64, f64) {
        let Rect { x, y, width, height } = self.area;
        (f64::from(x) + f64::from(width) / 2.0, f64::from(y) + f64::from(height) / 2.0)
    }

    /// Pixels that are covered.
    pub fn pixels(&self) -> opencv::Result<i32> {
        if self.area.empty() { Ok(0) } else { core::count_non_zero(&self.mask) }
    }

    /// The same elsewhere, cut to a frame of this size; its area is empty when nothing is left.
    pub fn moved(&self, by: Point, size: (u32, u32)) -> opencv::Result<Self> {
        let area = (self.area + by) & Rect::new(0, 0, size.0 as i32, size.1 as i32);
        if area.empty() {
            return Ok(Self { area: Rect::default(), mask: Mat::default() });
        }
        let left = area - (self.area.tl() + by);
        Ok(Self { area, mask: self.mask.roi(left)?.try_clone()? })
    }

    /// What either covers.
    pub fn joined(&self, other: &Self) -> opencv::Result<Self> {
        let area = self.area | other.area;
        let mut mask = blank(area)?;
        self.paint(&mut mask, area, 255.0)?;
        other.paint(&mut mask, area, 255.0)?;
        Ok(Self { area, mask })
    }

    /// How much of it others cover, 0–1.
    pub fn share_in<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> opencv::Result<f64> {
        let mut left = self.mask.try_clone()?;
        for other in others {
            other.paint(&mut left, self.area, 0.0)?;
        }
        Ok(1.0 - f64::from(core::count_non_zero(&left)?) / f64::from(self.pixels()?.max(1)))
    }

    /// Sets the pixels that it covers in an image that lies at `at` in the frame.
    pub fn paint(&self, picture: &mut Mat, at: Rect, value: f64) -> opencv::Result<()> {
        let both = self.area & at;
        if both.empty() {
            return Ok(());
        }
        let own = self.mask.roi(both - self.area.tl())?.try_clone()?;
        picture.roi_mut(both - at.tl())?.set_to(&core::Scalar::all(value), &own)?;
        Ok(())
    }
}

/// An image of this size with nothing in it (`CV_8UC1`).
pub fn blank(area: Rect) -> opencv::Result<Mat> {
    Mat::new_rows_cols_with_default(area.height, area.width, core::CV_8UC1, core::Scalar::default())
}
