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

/// The instances in coverage (`CV_32FC1`, small) of a view of `size`: what every owner has (`CV_8UC1`, of the coverage's size), then every
/// connected part that nobody owns. The largest first.
pub fn instances(
    coverage: &Mat,
    owners: Option<&Mat>,
    size: Size,
    settings: &SegmentationSettings,
) -> Result<Vec<Instance>, SegmentationError> {
    let mut full = Mat::default();
    imgproc::resize(coverage, &mut full, size, 0.0, 0.0, imgproc::INTER_LINEAR)?;
    let mut covered = Mat::default();
    core::compare(&full, &Scalar::all(settings.threshold), &mut covered, CmpTypes::CMP_GE as i32)?;
    let small = SmallRegions::new(settings, size);
    let mut found = Vec::new();
    let mut nobodys = covered.try_clone()?;
    if let Some(owners) = owners {
        let mut owner = Mat::default();
        imgproc::resize(owners, &mut owner, size, 0.0, 0.0, imgproc::INTER_NEAREST)?;
        let mut most = 0.0;
        core::min_max_loc(&owner, None, Some(&mut most), None, None, &core::no_array())?;
        for number in 1..=most as i32 {
            let mut own = Mat::default();
            core::compare(&owner, &Scalar::all(f64::from(number)), &mut own, CmpTypes::CMP_EQ as i32)?;
            let mut mask = Mat::default();
            core::bitwise_and(&own, &covered, &mut mask, &core::no_array())?;
            found.extend(instance(&mask, &full, small)?);
            nobodys.set_to(&Scalar::default(), &own)?;
        }
    }
    for part in parts(&nobodys, small.islands)? {
        found.extend(instance(&part, &full, small)?);
    }
    found.sort_by_key(|instance| std::cmp::Reverse(instance.area));
    found.truncate(settings.max_instances as usize);
    Ok(found)
}

/// An instance of a mask of the whole view, cleaned; `None` when nothing of size is left.
fn instance(mask: &Mat, coverage: &Mat, small: SmallRegions) -> Result<Option<Instance>, SegmentationError> {
    let place = imgproc::bounding_rect(mask)?;
    if place.width == 0 {
        return Ok(None);
    }
    let mut mask = Mat::roi(mask, place)?.try_clone()?;
    fill_holes(&mut mask, small.holes)?;
    remove_islands(&mut mask, small.islands)?;
    let area = core::count_non_zero(&mask)?;
    if area < small.islands {
        return Ok(None);
    }
    let score = core::mean(&Mat::roi(coverage, place)?, &mask)?[0] as f32;
    Ok(Some(Instance { place, mask, area, score, stability: None, point: None }))
}

/// The connected parts (8 neighbours) of a mask of at least `least` pixels, each as a mask of the whole.
fn parts(mask: &Mat, least: i32) -> Result<Vec<Mat>, SegmentationError> {
    let components = Components::of(mask)?;
    let kept = (1..components.count()).filter(|&label| components.area(label) >= least.max(1));
    kept.map(|label| components.mask(label)).collect()
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
