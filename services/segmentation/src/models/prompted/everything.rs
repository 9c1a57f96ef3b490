//! Everything in an image, by pointing everywhere: at the whole, and at overlapping parts of it, in which small things are larger. What the
//! generator of the reference does (its small regions are cleaned as that of the first SAM does it; that of SAM 2 does so on CUDA alone).
use super::{Candidate, Embedding, Prompted, SmallRegions, binary, chosen};
use crate::masks::Instance;
use crate::settings::SegmentationSettings;
use framefleet_masks::Rle;
use framefleet_perception::PerceptionError;
use framefleet_vision::boxes::{self, BBox};
use opencv::core::{Mat, Rect, Size};
use opencv::prelude::*;

/// Masks of points that are examined again, those of the highest predicted IoU: more are noise.
const MAX_MASKS: usize = 1000;
/// Label of a point inside.
const INSIDE: f32 = 1.0;
/// Parts of an image overlap by this share of its short side (halved with every layer after the first).
const OVERLAP: f64 = 512.0 / 1500.0;
/// What ends so near the edge of a part, where the image goes on, is cut off; pixels.
const CUT: i32 = 20;

/// How candidates of a grid are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Points along each side of the image.
    pub points_per_side: u32,
    /// Points that the model is given at a time.
    pub at_a_time: usize,
    /// Least predicted overlap.
    pub min_predicted_iou: f32,
    /// Least stability.
    pub min_stability: f32,
    /// Overlap of boxes from which the better stays.
    pub duplicate_iou: f32,
    /// Layers of parts besides the whole image: the first has 2×2, the second 4×4.
    pub crop_layers: u32,
    /// From layer to layer, points along each side of a part become fewer by this factor.
    pub crop_points_divisor: u32,
    /// What is too small; nothing is cleaned when both are 0.
    pub small: SmallRegions,
}

impl Choice {
    /// What the settings say, for an image of this size.
    fn new(settings: &SegmentationSettings, size: Size) -> Self {
        Self {
            points_per_side: settings.points_per_side,
            at_a_time: settings.prompts_per_run as usize,
            min_predicted_iou: settings.min_predicted_iou as f32,
            min_stability: settings.min_stability as f32,
            duplicate_iou: settings.duplicate_iou as f32,
            crop_layers: settings.crop_layers,
            crop_points_divisor: settings.crop_points_divisor,
            small: SmallRegions::new(settings, size),
        }
    }
}

impl Prompted {
    /// All things in an image, the largest first.
    pub fn everything(
        &self,
        picture: &impl MatTraitConst,
        settings: &SegmentationSettings,
    ) -> Result<Vec<Instance>, PerceptionError> {
        let choice = Choice::new(settings, picture.size()?);
        Ok(chosen(self.generate(picture, choice)?, choice.small, settings))
    }

    /// What the generator of the reference calls its records: masks of grids of points on the image and its parts, the doubtful ones left
    /// out, duplicates removed, then cleaned. Of duplicates in several parts, that of the smallest part stays.
    pub fn generate(&self, picture: &impl MatTraitConst, choice: Choice) -> Result<Vec<Candidate>, PerceptionError> {
        let size = picture.size()?;
        let (mut found, mut scores): (Vec<Candidate>, Vec<f32>) = (Vec::new(), Vec::new());
        for (layer, part) in crops(size, choice.crop_layers) {
            let of_part = self.part(picture, part, layer, choice)?;
            scores.resize(found.len() + of_part.len(), 1.0 / part.area() as f32);
            found.extend(of_part);
        }
        if choice.crop_layers > 0 {
            found = best(found, &scores, choice.duplicate_iou);
        }
        if choice.small.islands > 0 || choice.small.holes > 0 {
            let changed = |candidate: &mut Candidate| if candidate.clean(choice.small) { 0.0 } else { 1.0 };
            let scores: Vec<f32> = found.iter_mut().map(changed).collect();
            found = best(found, &scores, choice.duplicate_iou);
        }
        Ok(found)
    }

    /// The masks of a part of the image, as masks of the whole, in order of predicted overlap.
    fn part(
        &self,
        picture: &impl MatTraitConst,
        part: Rect,
        layer: u32,
        choice: Choice,
    ) -> Result<Vec<Candidate>, PerceptionError> {
        let whole = picture.size()?;
        let embedding = self.embed(&Mat::roi(picture, part)?.try_clone()?)?;
        let per_side = choice.points_per_side / choice.crop_points_divisor.max(1).pow(layer);
        let found = self.grid(&embedding, per_side.max(1), choice, |candidate| is_whole(candidate, part, whole))?;
        let scores: Vec<f32> = found.iter().map(|candidate| candidate.predicted_iou).collect();
        let (x, y) = (part.x as f32, part.y as f32);
        let placed = |candidate: Candidate| Candidate {
            runs: candidate.runs.within([part.x as u32, part.y as u32], (whole.width as u32, whole.height as u32)),
            point: candidate.point.map(|point| [point[0] + x, point[1] + y]),
            ..candidate
        };
        Ok(best(found, &scores, choice.duplicate_iou).into_iter().map(placed).collect())
    }

    /// The masks of a grid of points on an image that are sure, stable and `kept`, in no order.
    fn grid(
        &self,
        embedding: &Embedding,
        per_side: u32,
        choice: Choice,
        kept: impl Fn(&Candidate) -> bool,
    ) -> Result<Vec<Candidate>, PerceptionError> {
        let points = grid(per_side, embedding.size);
        let prompts: Vec<_> = points.iter().map(|point| vec![(*point, INSIDE)]).collect();
        let mut found: Vec<Candidate> = Vec::new();
        self.decode(embedding, &prompts, choice.at_a_time, |item, logits, predicted_iou| {
            if predicted_iou > choice.min_predicted_iou {
                let (mask, stability) = binary(logits, embedding.size)?;
                if stability >= choice.min_stability {
                    let runs = Rle::of(&mask)?;
                    let point = Some(points[item]);
                    let candidate = Candidate { runs, predicted_iou, stability, point, pose: None };
                    found.extend(kept(&candidate).then_some(candidate));
                }
                if found.len() > 2 * MAX_MASKS {
                    found.sort_by(|a, b| b.predicted_iou.total_cmp(&a.predicted_iou));
                    found.truncate(MAX_MASKS);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// The whole image (layer 0) and the overlapping crops of every further layer.
fn crops(size: Size, layers: u32) -> Vec<(u32, Rect)> {
    let mut found = vec![(0, Rect::new(0, 0, size.width, size.height))];
    for layer in 1..=layers {
        let per_side = 1 << layer;
        let overlap = (OVERLAP * f64::from(size.width.min(size.height)) * (2.0 / f64::from(per_side))) as i32;
        let length = |of: i32| (overlap * (per_side - 1) + of + per_side - 1) / per_side;
        let (width, height) = (length(size.width), length(size.height));
        for (column, row) in (0..per_side).flat_map(|column| (0..per_side).map(move |row| (column, row))) {
            let (x, y) = ((width - overlap) * column, (height - overlap) * row);
            found.push((layer, Rect::new(x, y, width.min(size.width - x), height.min(size.height - y))));
        }
    }
    // Images of a few pixels have no more parts.
    found.retain(|(_, part)| part.width > 0 && part.height > 0);
    found
}

/// Whether a candidate ends inside a part of an image, or where the image itself ends: else it is likely cut off.
fn is_whole(candidate: &Candidate, part: Rect, whole: Size) -> bool {
    let [x0, y0, x1, y1] = bbox(candidate).map(|side| side as i32);
    let found = [x0 + part.x, y0 + part.y, x1 + part.x, y1 + part.y];
    let near = |edges: [i32; 4], side: usize| (found[side] - edges[side]).abs() <= CUT;
    let ends = [part.x, part.y, part.x + part.width, part.y + part.height];
    (0..4).all(|side| !near(ends, side) || near([0, 0, whole.width, whole.height], side))
}

/// Points spread evenly, row by row, pixels of the image.
fn grid(per_side: u32, size: Size) -> Vec<[f32; 2]> {
    let at = |index: u32, length: i32| (index as f32 + 0.5) / per_side as f32 * length as f32;
    (0..per_side * per_side)
        .map(|index| [at(index % per_side, size.width), at(index / per_side, size.height)])
        .collect()
}

/// The box of a candidate. It ends at the last pixel, as the reference's do.
fn bbox(candidate: &Candidate) -> BBox {
    let [x0, y0, x1, y1] = candidate.runs.bounds().unwrap_or_default();
    [x0, y0, x1.saturating_sub(1), y1.saturating_sub(1)].map(|side| side as f32)
}

/// The candidates whose boxes overlap no better one's by more than `max`, the best first.
fn best(candidates: Vec<Candidate>, scores: &[f32], max: f32) -> Vec<Candidate> {
    let bbox: Vec<BBox> = candidates.iter().map(bbox).collect();
    let mut candidates: Vec<Option<Candidate>> = candidates.into_iter().map(Some).collect();
    boxes::suppress(&bbox, scores, max).into_iter().filter_map(|at| candidates[at].take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_overlap_and_cover_the_picture() {
        let parts = crops(Size::new(1500, 1000), 2);
        assert_eq!(parts.len(), 1 + 4 + 16);
        // 512/1500 of 1000 is 341: 921 = ceil((1500 + 341) / 2).
        assert_eq!(parts[1..3], [(1, Rect::new(0, 0, 921, 671)), (1, Rect::new(0, 330, 921, 670))]);
        for layer in [1, 2] {
            let of_layer = parts.iter().filter(|(own, _)| *own == layer).map(|(_, part)| part);
            let ends = of_layer.map(|part| (part.x + part.width, part.y + part.height)).max();
            assert_eq!(ends, Some((1500, 1000)));
        }
        assert!(crops(Size::new(1, 1), 3).iter().all(|(_, part)| part.area() == 1));
    }
}
