//! From coverage and owners to binary masks of the instances.
use crate::error::SegmentationError;
use crate::settings::SegmentationSettings;
use opencv::core::{self, CmpTypes, Mat, Point, Rect, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// One thing in a view.
pub struct Instance {
    /// The part of the view (pixels, full size) that the mask covers.
    pub place: Rect,
    /// 0 or 255, `CV_8UC1` of the place's size.
    pub mask: Mat,
    /// Pixels set.
    pub area: i32,
    /// How sure it is, 0–1.
    pub score: f32,
    /// See the field of the record.
    pub stability: Option<f32>,
    /// What a promptable network was asked about, pixels of the view.
    pub point: Option<[f32; 2]>,
}

/// Pixels below which islands go and holes are filled.
#[derive(Clone, Copy, Debug)]
pub struct SmallRegions {
    /// Islands.
    pub islands: i32,
    /// Holes.
    pub holes: i32,
}

impl SmallRegions {
    /// Of a view of this size.
    pub fn new(settings: &SegmentationSettings, size: Size) -> Self {
        let pixels = f64::from(size.width) * f64::from(size.height) / 100.0;
        let of = |percent: f64| (pixels * percent).round() as i32;
        Self { islands: of(settings.min_area_percent).max(1), holes: of(settings.hole_percent) }
    }
}

/// The instances in coverage (`CV_32FC1`, small) of a view of `size`: what every owner has (`CV_8UC1`, of the coverage's size), then the
/// connected parts that nobody owns. The largest first. Islands and holes are found where coverage has pixels; masks are of the
/// view's full size.
pub fn instances(
    coverage: &Mat,
    owners: Option<&Mat>,
    size: Size,
    settings: &SegmentationSettings,
) -> Result<Vec<Instance>, SegmentationError> {
    let ground =
        Ground { coverage, covered: at_least(coverage, settings.threshold)?, size, threshold: settings.threshold };
    let small = SmallRegions::new(settings, coverage.size()?);
    let mut found = Vec::new();
    let mut nobodys = ground.covered.try_clone()?;
    if let Some(owners) = owners {
        let mut most = 0.0;
        core::min_max_loc(owners, None, Some(&mut most), None, None, &core::no_array())?;
        for number in 1..=most as i32 {
            let (mut own, mut mask) = (Mat::default(), Mat::default());
            core::compare(owners, &Scalar::all(f64::from(number)), &mut own, CmpTypes::CMP_EQ as i32)?;
            core::bitwise_and(&own, &ground.covered, &mut mask, &core::no_array())?;
            found.extend(ground.instance(mask, small)?);
            nobodys.set_to(&Scalar::default(), &own)?;
        }
    }
    for part in parts(&nobodys, small.islands, settings.max_instances as usize)? {
        found.extend(ground.instance(part, small)?);
    }
    found.sort_by_key(|instance| std::cmp::Reverse(instance.area));
    found.truncate(settings.max_instances as usize);
    Ok(found)
}

/// Where coverage reaches the threshold.
fn at_least(coverage: &Mat, threshold: f64) -> Result<Mat, SegmentationError> {
    let mut covered = Mat::default();
    core::compare(coverage, &Scalar::all(threshold), &mut covered, CmpTypes::CMP_GE as i32)?;
    Ok(covered)
}

/// What instances are cut out of.
struct Ground<'a> {
    coverage: &'a Mat,
    covered: Mat,
    size: Size,
    threshold: f64,
}

impl Ground<'_> {
    /// An instance of a small mask, cleaned; `None` when nothing of size is left.
    fn instance(&self, mut mask: Mat, small: SmallRegions) -> Result<Option<Instance>, SegmentationError> {
        if imgproc::bounding_rect(&mask)?.width == 0 {
            return Ok(None);
        }
        fill_holes(&mut mask, small.holes)?;
        remove_islands(&mut mask, small.islands)?;
        if core::count_non_zero(&mask)? < small.islands {
            return Ok(None);
        }
        let score = core::mean(self.coverage, &mask)?[0] as f32;
        let (place, mask) = self.enlarged(&self.own(&mask)?, imgproc::bounding_rect(&mask)?)?;
        let area = core::count_non_zero(&mask)?;
        Ok((area > 0).then_some(Instance { place, mask, area, score, stability: None, point: None }))
    }

    /// Coverage of an instance alone: that of its mask (all, in holes that were filled) and what falls off around it, which says where
    /// between pixels its outline runs.
    fn own(&self, mask: &Mat) -> Result<Mat, SegmentationError> {
        let (mut uncovered, mut near, mut edge, mut holes) =
            (Mat::default(), Mat::default(), Mat::default(), Mat::default());
        core::bitwise_not(&self.covered, &mut uncovered, &core::no_array())?;
        imgproc::dilate_def(mask, &mut near, &Mat::default())?;
        core::bitwise_and(&near, &uncovered, &mut edge, &core::no_array())?;
        core::bitwise_and(mask, &uncovered, &mut holes, &core::no_array())?;
        let mut own = Mat::new_size_with_default(self.coverage.size()?, core::CV_32FC1, Scalar::default())?;
        self.coverage.copy_to_masked(&mut own, &edge)?;
        self.coverage.copy_to_masked(&mut own, mask)?;
        own.set_to(&Scalar::all(1.0), &holes)?;
        Ok(own)
    }

    /// The mask of an instance's own coverage in full size: where it lies, and its pixels. `around` is its small mask's box.
    fn enlarged(&self, own: &Mat, around: Rect) -> Result<(Rect, Mat), SegmentationError> {
        let scale = |full: i32, small: i32| f64::from(full) / f64::from(small);
        let (x, y) = (scale(self.size.width, own.cols()), scale(self.size.height, own.rows()));
        let span = |start: i32, length: i32, scale: f64, most: i32| {
            let from = (f64::from(start - 1) * scale).floor().max(0.0) as i32;
            let to = ((f64::from(start + length + 1) * scale).ceil() as i32).min(most);
            (from, (to - from).max(1))
        };
        let ((left, width), (top, height)) =
            (span(around.x, around.width, x, self.size.width), span(around.y, around.height, y, self.size.height));
        // Centres of pixels fall on centres of pixels.
        let back = Mat::from_slice_2d(&[
            [1.0 / x, 0.0, (f64::from(left) + 0.5) / x - 0.5],
            [0.0, 1.0 / y, (f64::from(top) + 0.5) / y - 0.5],
        ])?;
        let mut full = Mat::default();
        let how = imgproc::INTER_LINEAR | imgproc::WARP_INVERSE_MAP;
        let place = Size::new(width, height);
        imgproc::warp_affine(own, &mut full, &back, place, how, core::BORDER_REPLICATE, Scalar::default())?;
        let mask = at_least(&full, self.threshold)?;
        let tight = imgproc::bounding_rect(&mask)?;
        let place = Rect::new(left + tight.x, top + tight.y, tight.width, tight.height);
        Ok((place, Mat::roi(&mask, tight)?.try_clone()?))
    }
}

/// The largest connected parts (8 neighbours) of a mask, `most` at most, of at least `least` pixels, each as a mask of the whole.
fn parts(mask: &Mat, least: i32, most: usize) -> Result<Vec<Mat>, SegmentationError> {
    let components = Components::of(mask)?;
    let mut kept: Vec<i32> = (1..components.count()).filter(|&label| components.area(label) >= least.max(1)).collect();
    kept.sort_by_key(|&label| std::cmp::Reverse(components.area(label)));
    kept.into_iter().take(most).map(|label| components.mask(label)).collect()
}

/// Removes connected parts smaller than `least` pixels; whether there were any. Like the reference of SAM, leaves the largest when all are.
pub fn remove_islands(mask: &mut Mat, least: i32) -> Result<bool, SegmentationError> {
    let components = Components::of(mask)?;
    let small: Vec<i32> = (1..components.count()).filter(|&label| components.area(label) < least).collect();
    if small.is_empty() {
        return Ok(false);
    }
    let largest = (1..components.count()).rev().max_by_key(|&label| components.area(label));
    let all = small.len() as i32 == components.count() - 1;
    components.change(mask, 0, |label| small.binary_search(&label).is_ok() && !(all && Some(label) == largest))?;
    Ok(true)
}

/// Fills connected parts of the background smaller than `least` pixels; whether there were any.
pub fn fill_holes(mask: &mut Mat, least: i32) -> Result<bool, SegmentationError> {
    let mut background = Mat::default();
    core::bitwise_not(mask, &mut background, &core::no_array())?;
    let components = Components::of(&background)?;
    let small: Vec<i32> = (1..components.count()).filter(|&label| components.area(label) < least).collect();
    if !small.is_empty() {
        components.change(mask, 255, |label| small.binary_search(&label).is_ok())?;
    }
    Ok(!small.is_empty())
}

/// Connected parts by number; 0 is what is not set.
struct Components {
    labels: Mat,
    stats: Mat,
}

impl Components {
    fn of(mask: &Mat) -> Result<Self, SegmentationError> {
        let (mut labels, mut stats, mut centres) = (Mat::default(), Mat::default(), Mat::default());
        imgproc::connected_components_with_stats(mask, &mut labels, &mut stats, &mut centres, 8, core::CV_32S)?;
        Ok(Self { labels, stats })
    }

    fn count(&self) -> i32 {
        self.stats.rows()
    }

    fn area(&self, label: i32) -> i32 {
        self.stats.at_2d::<i32>(label, imgproc::CC_STAT_AREA).copied().unwrap_or_default()
    }

    fn mask(&self, label: i32) -> Result<Mat, SegmentationError> {
        let mut mask = Mat::default();
        core::compare(&self.labels, &Scalar::all(f64::from(label)), &mut mask, CmpTypes::CMP_EQ as i32)?;
        Ok(mask)
    }

    /// Sets the pixels of chosen parts in `mask`, which is of the same size and in one piece.
    fn change(&self, mask: &mut Mat, value: u8, chosen: impl Fn(i32) -> bool) -> Result<(), SegmentationError> {
        let table: Vec<bool> = (0..self.count()).map(|label| label > 0 && chosen(label)).collect();
        let pixels = mask.data_bytes_mut()?.iter_mut().zip(self.labels.data_typed::<i32>()?);
        pixels.filter(|(_, label)| table[**label as usize]).for_each(|(pixel, _)| *pixel = value);
        Ok(())
    }
}

/// A mask of a part as a mask of a picture of `size`, the part beginning at `offset`.
pub fn placed(mask: &Mat, offset: Point, size: Size) -> Result<Mat, SegmentationError> {
    let mut whole = Mat::new_size_with_default(size, core::CV_8UC1, Scalar::default())?;
    let place = Rect::new(offset.x, offset.y, mask.cols(), mask.rows());
    mask.copy_to(&mut Mat::roi_mut(&mut whole, place)?)?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Mat {
        let bytes: Vec<Vec<u8>> =
            rows.iter().map(|row| row.bytes().map(|b| if b == b'#' { 255 } else { 0 }).collect()).collect();
        Mat::from_slice_2d(&bytes).unwrap()
    }

    fn text(mask: &Mat) -> Vec<String> {
        let row = |y| (0..mask.cols()).map(|x| if *mask.at_2d::<u8>(y, x).unwrap() > 0 { '#' } else { '.' }).collect();
        (0..mask.rows()).map(row).collect()
    }

    #[test]
    fn small_islands_go_and_small_holes_are_filled() {
        let mut picture = mask(&["#####...", "#.#.#..#", "#####...", "#####..."]);
        assert!(fill_holes(&mut picture, 2).unwrap());
        assert!(remove_islands(&mut picture, 3).unwrap());
        assert_eq!(text(&picture), ["#####...", "#####...", "#####...", "#####..."]);
        assert!(!remove_islands(&mut picture, 3).unwrap() && !fill_holes(&mut picture, 2).unwrap());
    }

    #[test]
    fn where_all_is_small_the_largest_island_stays() {
        let mut picture = mask(&["##..#", "....."]);
        assert!(remove_islands(&mut picture, 10).unwrap());
        assert_eq!(text(&picture), ["##...", "....."]);
    }

    #[test]
    fn owners_share_out_what_touches_and_the_rest_falls_apart() {
        let mut coverage = Mat::new_rows_cols_with_default(40, 80, core::CV_32FC1, Scalar::default()).unwrap();
        imgproc::rectangle(&mut coverage, Rect::new(4, 4, 40, 30), Scalar::all(0.9), -1, 8, 0).unwrap();
        imgproc::rectangle(&mut coverage, Rect::new(60, 10, 10, 10), Scalar::all(0.8), -1, 8, 0).unwrap();
        let mut owners = Mat::new_rows_cols_with_default(40, 80, core::CV_8UC1, Scalar::default()).unwrap();
        imgproc::rectangle(&mut owners, Rect::new(0, 0, 24, 40), Scalar::all(1.0), -1, 8, 0).unwrap();
        imgproc::rectangle(&mut owners, Rect::new(24, 0, 26, 40), Scalar::all(2.0), -1, 8, 0).unwrap();
        let settings = SegmentationSettings::default();
        let found = instances(&coverage, Some(&owners), Size::new(80, 40), &settings).unwrap();
        let places: Vec<Rect> = found.iter().map(|instance| instance.place).collect();
        assert_eq!(places, [Rect::new(4, 4, 20, 30), Rect::new(24, 4, 20, 30), Rect::new(60, 10, 10, 10)]);
        assert!((found[0].score - 0.9).abs() < 1e-6 && found[0].area == 600);
        assert_eq!(instances(&coverage, None, Size::new(80, 40), &settings).unwrap().len(), 2);
    }
}
