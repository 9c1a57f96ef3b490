//! From soft masks and owners to binary masks of the instances.
pub(crate) mod stereo;
pub(crate) mod temporal;
use crate::input::persons::Person;
use crate::settings::SegmentationSettings;
use framefleet_masks::Rle;
use framefleet_perception::PerceptionError;
use opencv::core::{self, CmpTypes, Mat, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// One thing in a view.
pub struct Instance {
    /// Its pixels, of the view in full size.
    pub runs: Rle,
    /// How sure it is, 0–1.
    pub score: f32,
    /// See the field of the record.
    pub stability: Option<f32>,
    /// What a promptable model was asked about, pixels of the view.
    pub point: Option<[f32; 2]>,
    /// The pose of whose person it is, where that is known: its instance.
    pub pose: Option<u32>,
}

/// Pixels below which islands go and holes are filled.
#[derive(Clone, Copy, Debug)]
pub struct SmallRegions {
    /// Islands.
    pub islands: u64,
    /// Holes.
    pub holes: u64,
}

impl SmallRegions {
    /// Of a view of this size.
    pub fn new(settings: &SegmentationSettings, size: Size) -> Self {
        let pixels = f64::from(size.width) * f64::from(size.height) / 100.0;
        let of = |percent: f64| (pixels * percent).round() as u64;
        Self { islands: of(settings.min_area_percent).max(1), holes: of(settings.hole_percent) }
    }
}

impl SmallRegions {
    /// A mask with its holes filled and then without islands: empty when nothing of size is left.
    fn cleaned(self, mask: &Rle) -> Rle {
        let filled = mask.without_holes(self.holes);
        let filled = filled.as_ref().unwrap_or(mask);
        let clean = filled.without_islands(self.islands).unwrap_or_else(|| filled.clone());
        if clean.area() < self.islands { Rle::default() } else { clean }
    }
}

/// The instances in a soft mask (`CV_32FC1`, small) of a view of `size`: what every owner has (`CV_8UC1`, of the soft mask's size; owner
/// n is `people[n − 1]`), then the connected parts that nobody owns. The largest first. Islands and holes are found where the soft mask has pixels; masks are of the
/// view's full size, and their outlines run between the soft mask's pixels.
pub fn instances(
    soft_mask: &Mat,
    owners: Option<(&[Person], &Mat)>,
    size: (u32, u32),
    settings: &SegmentationSettings,
) -> Result<Vec<Instance>, PerceptionError> {
    let ground =
        Ground { soft_mask, covered: at_least(soft_mask, settings.threshold)?, size, threshold: settings.threshold };
    let small = SmallRegions::new(settings, soft_mask.size()?);
    let mut found = Vec::new();
    let mut nobodys = ground.covered.try_clone()?;
    if let Some((people, owners)) = owners {
        let mut max = 0.0;
        core::min_max_loc(owners, None, Some(&mut max), None, None, &core::no_array())?;
        for number in 1..=max as i32 {
            let (mut own, mut mask) = (Mat::default(), Mat::default());
            core::compare(owners, &Scalar::all(f64::from(number)), &mut own, CmpTypes::CMP_EQ as i32)?;
            core::bitwise_and(&own, &ground.covered, &mut mask, &core::no_array())?;
            let instance = ground.instance(small.cleaned(&Rle::of(&mask)?))?;
            let pose = people.get(number as usize - 1).and_then(|person| person.pose);
            found.extend(instance.map(|instance| Instance { pose, ..instance }));
            nobodys.set_to(&Scalar::default(), &own)?;
        }
    }
    for part in Rle::of(&nobodys)?.parts(small.islands, settings.max_instances as usize) {
        found.extend(ground.instance(part.without_holes(small.holes).unwrap_or(part))?);
    }
    found.retain(|instance| instance.runs.area() > 0);
    found.sort_by_key(|instance| std::cmp::Reverse(instance.runs.area()));
    found.truncate(settings.max_instances as usize);
    Ok(found)
}

/// Where the soft mask reaches the threshold.
fn at_least(soft_mask: &Mat, threshold: f64) -> Result<Mat, PerceptionError> {
    let mut covered = Mat::default();
    core::compare(soft_mask, &Scalar::all(threshold), &mut covered, CmpTypes::CMP_GE as i32)?;
    Ok(covered)
}

/// What instances are cut out of.
struct Ground<'a> {
    soft_mask: &'a Mat,
    covered: Mat,
    /// Width and height of the view.
    size: (u32, u32),
    threshold: f64,
}

impl Ground<'_> {
    /// The instance of a small mask, which has been cleaned; `None` when it is empty.
    fn instance(&self, runs: Rle) -> Result<Option<Instance>, PerceptionError> {
        if runs.area() == 0 {
            return Ok(None);
        }
        let mask = runs.picture()?;
        let score = core::mean(self.soft_mask, &mask)?[0] as f32;
        let runs = Rle::of_soft_mask(&self.own(&mask)?, self.threshold as f32, self.size)?;
        Ok(Some(Instance { runs, score, stability: None, point: None, pose: None }))
    }

    /// Soft mask of an instance alone: that of its mask (all, in holes that were filled) and what falls off around it, which says where
    /// between pixels its outline runs.
    fn own(&self, mask: &Mat) -> Result<Mat, PerceptionError> {
        let (mut uncovered, mut near, mut edge, mut holes) =
            (Mat::default(), Mat::default(), Mat::default(), Mat::default());
        core::bitwise_not(&self.covered, &mut uncovered, &core::no_array())?;
        imgproc::dilate_def(mask, &mut near, &Mat::default())?;
        core::bitwise_and(&near, &uncovered, &mut edge, &core::no_array())?;
        core::bitwise_and(mask, &uncovered, &mut holes, &core::no_array())?;
        let mut own = Mat::new_size_with_default(self.soft_mask.size()?, core::CV_32FC1, Scalar::default())?;
        self.soft_mask.copy_to_masked(&mut own, &edge)?;
        self.soft_mask.copy_to_masked(&mut own, mask)?;
        own.set_to(&Scalar::all(1.0), &holes)?;
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::Rect;

    #[test]
    fn owners_share_out_what_touches_and_the_rest_falls_apart() {
        let mut soft_mask = Mat::new_rows_cols_with_default(40, 80, core::CV_32FC1, Scalar::default()).unwrap();
        imgproc::rectangle(&mut soft_mask, Rect::new(4, 4, 40, 30), Scalar::all(0.9), -1, 8, 0).unwrap();
        imgproc::rectangle(&mut soft_mask, Rect::new(60, 10, 10, 10), Scalar::all(0.8), -1, 8, 0).unwrap();
        let mut owners = Mat::new_rows_cols_with_default(40, 80, core::CV_8UC1, Scalar::default()).unwrap();
        imgproc::rectangle(&mut owners, Rect::new(0, 0, 24, 40), Scalar::all(1.0), -1, 8, 0).unwrap();
        imgproc::rectangle(&mut owners, Rect::new(24, 0, 26, 40), Scalar::all(2.0), -1, 8, 0).unwrap();
        let settings = SegmentationSettings::default();
        let person = |pose| Person { bounds: [0.0, 0.0, 40.0, 40.0], lines: Vec::new(), pose };
        let people = [person(Some(4)), person(None)];
        let found = instances(&soft_mask, Some((&people, &owners)), (80, 40), &settings).unwrap();
        let places: Vec<[u32; 4]> = found.iter().filter_map(|instance| instance.runs.bounds()).collect();
        assert_eq!(found.iter().map(|instance| instance.pose).collect::<Vec<_>>(), [Some(4), None, None]);
        assert_eq!(places, [[4, 4, 24, 34], [24, 4, 44, 34], [60, 10, 70, 20]]);
        assert!((found[0].score - 0.9).abs() < 1e-6 && found[0].runs.area() == 600);
        assert_eq!(instances(&soft_mask, None, (80, 40), &settings).unwrap().len(), 2);
    }
}
