//! Holes: what is to be removed from a frame.
use crate::mask::cover::{Cover, blank};
use framefleet_vision::VisionError;
use opencv::core::{self, Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// A hole, cut to the area around it.
#[derive(Clone, Debug)]
pub struct Hole {
    /// Where `mask` lies in the frame.
    pub area: Rect,
    /// 255 inside the hole, 0 outside (`CV_8UC1`).
    pub mask: Mat,
    /// Pixels inside.
    pub pixels: u64,
}

impl Hole {
    /// What is covered, grown by `grow` pixels in all directions; `None` when that is nothing.
    pub fn of<'a>(
        covers: impl IntoIterator<Item = &'a Cover, IntoIter: Clone>,
        size: (u32, u32),
        grow: f64,
    ) -> Result<Option<Self>, VisionError> {
        let covers = covers.into_iter();
        let around = covers.clone().fold(Rect::default(), |around, cover| around | cover.area);
        if around.empty() {
            return Ok(None);
        }
        let area = expanded(around, grow.ceil() as i32 + 1, size);
        let mut covered = blank(area)?;
        for cover in covers {
            cover.paint(&mut covered, area, 255.0)?;
        }
        let distance = distance_to(&covered)?;
        let mut mask = Mat::default();
        core::compare(&distance, &grow, &mut mask, core::CMP_LE)?;
        let pixels = core::count_non_zero(&mask)?.max(0) as u64;
        Ok(Some(Self { area, mask, pixels }))
    }

    /// How much of the filling shows, 0–1, on the area around the hole (`CV_32FC1`): 1 inside, and outside falling to 0 within
    /// `feather` pixels.
    pub fn feathered(&self, feather: f64, size: (u32, u32)) -> opencv::Result<(Rect, Mat)> {
        let area = expanded(self.area, feather.ceil() as i32 + 1, size);
        let mut mask = blank(area)?;
        let inside = Rect::new(self.area.x - area.x, self.area.y - area.y, self.area.width, self.area.height);
        self.mask.copy_to(&mut mask.roi_mut(inside)?)?;
        let mut shown = Mat::default();
        let slope = -1.0 / (feather + 1.0);
        distance_to(&mask)?.convert_to(&mut shown, core::CV_32F, slope, 1.0)?;
        let mut cut = Mat::default();
        core::max(&shown, &0.0, &mut cut)?;
        Ok((area, cut))
    }

    /// The hole in parts that are worked on one by one: rectangles with `margin` pixels around what they hold touch none of the
    /// others. What lies far apart in a large frame takes the memory of what is near it, not of all in between.
    pub fn parts(&self, margin: i32, size: (u32, u32)) -> opencv::Result<Vec<Self>> {
        let mut areas: Vec<Rect> = Vec::new();
        for piece in pieces(&self.mask)? {
            let mut area = expanded(piece + self.area.tl(), margin, size);
            while let Some(near) = areas.iter().position(|other| !(*other & area).empty()) {
                area |= areas.swap_remove(near);
            }
            areas.push(area);
        }
        areas.sort_by_key(|area| (area.y, area.x));
        areas.into_iter().map(|area| self.inside(area)).collect()
    }

    /// What of the hole lies inside a rectangle that touches it.
    fn inside(&self, area: Rect) -> opencv::Result<Self> {
        let part = self.mask.roi((area & self.area) - self.area.tl())?;
        let around = imgproc::bounding_rect(&part.try_clone()?)?;
        let mask = part.roi(around)?.try_clone()?;
        let pixels = core::count_non_zero(&mask)?.max(0) as u64;
        Ok(Self { area: around + (area & self.area).tl(), mask, pixels })
    }

    /// The hole in the whole frame at another size: 255 where any pixel of the hole lies.
    pub fn scaled(&self, frame: (u32, u32), size: Size) -> opencv::Result<Mat> {
        let mut whole = blank(Rect::new(0, 0, frame.0 as i32, frame.1 as i32))?;
        self.mask.copy_to(&mut whole.roi_mut(self.area)?)?;
        if whole.size()? == size {
            return Ok(whole);
        }
        let (mut downscaled, mut any) = (Mat::default(), Mat::default());
        imgproc::resize(&whole, &mut downscaled, size, 0.0, 0.0, imgproc::INTER_AREA)?;
        core::compare(&downscaled, &0.0, &mut any, core::CMP_GT)?;
        Ok(any)
    }
}

/// Rectangles around what hangs together.
fn pieces(mask: &Mat) -> opencv::Result<Vec<Rect>> {
    let (mut labels, mut statistics, mut centres) = (Mat::default(), Mat::default(), Mat::default());
    let count = imgproc::connected_components_with_stats_def(mask, &mut labels, &mut statistics, &mut centres)?;
    let side = |piece: i32, of: i32| statistics.at_2d::<i32>(piece, of).copied();
    let (left, top) = (imgproc::CC_STAT_LEFT, imgproc::CC_STAT_TOP);
    let (width, height) = (imgproc::CC_STAT_WIDTH, imgproc::CC_STAT_HEIGHT);
    let rectangle = |of| Ok(Rect::new(side(of, left)?, side(of, top)?, side(of, width)?, side(of, height)?));
    // The first is what is not set.
    (1..count).map(rectangle).collect()
}

/// Distance of every pixel to the nearest one that is set, pixels.
fn distance_to(mask: &Mat) -> opencv::Result<Mat> {
    let mut outside = Mat::default();
    core::compare(mask, &0.0, &mut outside, core::CMP_EQ)?;
    let mut distance = Mat::default();
    imgproc::distance_transform(&outside, &mut distance, imgproc::DIST_L2, imgproc::DIST_MASK_PRECISE, core::CV_32F)?;
    Ok(distance)
}

/// A rectangle with a margin, cut to the frame.
pub fn expanded(area: Rect, margin: i32, size: (u32, u32)) -> Rect {
    let grown = Rect::new(area.x - margin, area.y - margin, area.width + 2 * margin, area.height + 2 * margin);
    grown & Rect::new(0, 0, size.0 as i32, size.1 as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (400, 300);

    fn parts(squares: &[Rect]) -> (Hole, Vec<Hole>) {
        let filled = |area: &Rect| {
            let mask =
                Mat::new_rows_cols_with_default(area.height, area.width, core::CV_8UC1, core::Scalar::all(255.0));
            Cover { area: *area, mask: mask.unwrap() }
        };
        let covers: Vec<Cover> = squares.iter().map(filled).collect();
        let hole = Hole::of(&covers, SIZE, 0.0).unwrap().unwrap();
        let parts = hole.parts(10, SIZE).unwrap();
        (hole, parts)
    }

    #[test]
    fn what_lies_apart_is_a_part_of_its_own() {
        let (hole, parts) = parts(&[Rect::new(370, 5, 30, 20), Rect::new(5, 250, 40, 50), Rect::new(60, 260, 9, 9)]);
        assert_eq!((hole.area.width, hole.area.height, hole.pixels), (396, 296, 600 + 2000 + 81));
        let areas: Vec<Rect> = parts.iter().map(|part| part.area).collect();
        assert_eq!(areas, [Rect::new(370, 5, 30, 20), Rect::new(5, 250, 64, 50)], "the two below are near each other");
        assert_eq!(parts.iter().map(|part| part.pixels).collect::<Vec<_>>(), [600, 2081]);
        assert_eq!(core::count_non_zero(&parts[1].mask).unwrap(), 2081);
    }

    /// A rectangle that was alone grows when it takes in another, and may reach a third then.
    #[test]
    fn parts_never_touch() {
        let squares = [Rect::new(20, 20, 10, 200), Rect::new(100, 100, 10, 10), Rect::new(35, 205, 70, 10)];
        let (hole, parts) = parts(&squares);
        assert_eq!(parts.iter().map(|part| part.pixels).sum::<u64>(), hole.pixels);
        let around: Vec<Rect> = parts.iter().map(|part| expanded(part.area, 10, SIZE)).collect();
        for (at, area) in around.iter().enumerate() {
            assert!(around[..at].iter().all(|other| (*other & *area).empty()), "{around:?}");
        }
    }
}
