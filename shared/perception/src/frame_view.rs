//! A frame as stages look at it: 8-bit RGB, and where its pixels lie in the full frame.
use crate::PerceptionError;
use framefleet_frames::Rendition;
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::VisionError;
use framefleet_vision::boxes::BBox;
use framefleet_vision::mat::rgb8;
use opencv::boxed_ref::BoxedRef;
use opencv::core::{Mat, MatTraitConst};

/// A frame in a rendition. Coordinates that a stage publishes are pixels of the full frame as displayed; what it finds is in
/// pixels of the view.
pub struct FrameView<'a> {
    number: u64,
    rgb: BoxedRef<'a, Mat>,
    full_size: (u32, u32),
}

impl<'a> FrameView<'a> {
    /// The frame of this number in a rendition. 8-bit RGB pixels are not copied.
    ///
    /// # Errors
    /// A frame that is not there, and an image without pixels or too large for OpenCV.
    pub fn of(batch: &'a Batch, rendition: Rendition, number: u64) -> Result<Self, PerceptionError> {
        let frame = batch.frame(rendition, number).ok_or(PerceptionError::Absent(rendition))?;
        let full_size @ (width, height) = batch.frame_size(number);
        if width == 0 || height == 0 {
            return Err(VisionError::Empty { width, height }.into());
        }
        Ok(Self { number, rgb: rgb8(&frame.image)?, full_size })
    }

    /// The same; a frame that has no view fails in `out`, and `None` is given.
    ///
    /// # Errors
    /// What ends the task: no memory for the view.
    pub fn or_fail(
        batch: &'a Batch,
        rendition: Rendition,
        number: u64,
        out: &mut Outputs,
    ) -> Result<Option<Self>, StageError> {
        match Self::of(batch, rendition, number) {
            Ok(view) => Ok(Some(view)),
            Err(error) => error.settle(number, out).map(|()| None),
        }
    }

    /// The frame's number in its item.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The pixels: `CV_8UC3` in the order red, green, blue.
    pub fn rgb(&self) -> &BoxedRef<'a, Mat> {
        &self.rgb
    }

    /// The pixels, given away.
    pub fn into_rgb(self) -> BoxedRef<'a, Mat> {
        self.rgb
    }

    /// Width and height of the view, pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.rgb.cols() as u32, self.rgb.rows() as u32)
    }

    /// Width and height of the full frame, pixels.
    pub fn full_size(&self) -> (u32, u32) {
        self.full_size
    }

    /// Pixels of the full frame per pixel of the view, across and down.
    pub fn scale(&self) -> [f32; 2] {
        let ((width, height), (full_width, full_height)) = (self.size(), self.full_size);
        [full_width as f32 / width as f32, full_height as f32 / height as f32]
    }

    /// A box in the view, in pixels of the full frame, cut to the frame.
    pub fn box_in_full(&self, [x0, y0, x1, y1]: BBox) -> BBox {
        let ([across, down], (width, height)) = (self.scale(), self.full_size);
        let (x, y) =
            (|at: f32| (at * across).clamp(0.0, width as f32), |at: f32| (at * down).clamp(0.0, height as f32));
        [x(x0), y(y0), x(x1), y(y1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::{Frame, FrameRange, Image, ImageFile, Item, ItemKind, PixelFormat};
    use framefleet_stage::codes;

    /// Stills of 1600×800 and 400×300, and a third whose proxy is missing. Proxies as ingest makes them.
    fn folder() -> Batch {
        let file = |frame, width, height| ImageFile { frame, width, height, ..ImageFile::default() };
        let files = vec![file(0, 1600, 800), file(1, 400, 300), file(2, 100, 100)];
        let item = Item { kind: ItemKind::Stills.into(), width: 1600, height: 800, files, ..Item::default() };
        let range = FrameRange { start: 0, end: 3 };
        let mut batch = Batch::new(item, range, range, vec![0, 1, 2], vec![0; 3]);
        for (number, width, height) in [(0, 640, 320), (1, 400, 300)] {
            let image = Image::new(PixelFormat::Grey8, width, height, vec![9; (width * height) as usize]).unwrap();
            batch.insert_frame(Rendition::Proxy, Frame { number, pts_ns: 0, image });
        }
        batch
    }

    #[test]
    fn coordinates_are_those_of_each_stills_own_full_frame() {
        let batch = folder();
        let [large, small] = [0, 1].map(|number| FrameView::of(&batch, Rendition::Proxy, number).unwrap());
        assert_eq!((large.size(), large.full_size(), large.scale()), ((640, 320), (1600, 800), [2.5, 2.5]));
        assert_eq!(large.box_in_full([0.0, 10.0, 640.0, 320.0]), [0.0, 25.0, 1600.0, 800.0]);
        assert_eq!(large.box_in_full([-3.0, 10.0, 641.0, 330.0]), [0.0, 25.0, 1600.0, 800.0], "cut to the frame");
        assert_eq!((small.full_size(), small.scale()), ((400, 300), [1.0, 1.0]));
        assert_eq!(small.rgb().typ(), opencv::core::CV_8UC3);
    }

    #[test]
    fn a_frame_that_is_not_there_fails_and_says_why() {
        let (batch, mut out) = (folder(), Outputs::new(std::path::Path::new(".")));
        assert!(FrameView::or_fail(&batch, Rendition::Proxy, 2, &mut out).unwrap().is_none());
        let failed = out.into_output().outcomes.failed;
        assert_eq!((failed.len(), failed[0].frame, failed[0].code.as_str()), (1, 2, codes::ABSENT));
    }
}
