//! BlazePose's detector (Bazarevsky et al. 2020): for each person the middle of the hips and a point that gives size and turn.
use crate::models::input::fill_f32;
use crate::person::Person;
use crate::skeleton::Keypoints;
use framefleet_infer::Session;
use framefleet_perception::PerceptionError;
use framefleet_vision::alignment::Similarity;
use framefleet_vision::boxes::{BBox, iou};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{BORDER_CONSTANT, Mat, MatTraitConst, Scalar};

/// Side of the input, pixels.
const SIDE: u32 = 224;
/// Cells along a side of each feature map, and anchors in each cell.
const GRIDS: [(usize, usize); 3] = [(28, 2), (14, 2), (7, 6)];
/// Numbers per anchor: centre, size and four points, all relative to the anchor, in pixels.
const NUMBERS: usize = 12;
/// Overlap from which detections are of one person.
const OVERLAP: f32 = 0.3;
/// Scores come before the sigmoid; beyond this they count as this.
const LARGEST: f32 = 100.0;
/// The body reaches from the middle of the hips so many times as far as the circle's point.
const REACH: f32 = 1.0;

/// The model.
pub struct Blazepose {
    session: Session,
    anchors: Vec<[f32; 2]>,
}

/// A detection in pixels of the input: score, box and the two points that are used.
#[derive(Clone, Copy)]
struct Candidate {
    score: f32,
    bbox: BBox,
    axis: [[f32; 2]; 2],
}

impl Blazepose {
    pub fn new(session: Session) -> Self {
        Self { session, anchors: anchors() }
    }

    /// The persons of every image, in pixels of that image, without keypoints.
    pub fn find(&self, pictures: &[BoxedRef<'_, Mat>], min_score: f32) -> Result<Vec<Vec<Person>>, PerceptionError> {
        let mut found = Vec::with_capacity(pictures.len());
        self.session.run_batches::<PerceptionError>(
            pictures.len(),
            &[],
            |item, inputs| {
                let picture = &pictures[item];
                let boxed = into_input(picture).warp(picture, (SIDE, SIDE), BORDER_CONSTANT, Scalar::default())?;
                Ok(fill_f32(&boxed, inputs.input::<f32>("input_1")?, |value| value / 127.5 - 1.0)?)
            },
            |item, outputs| {
                let back = into_input(&pictures[item]).inverse();
                let numbers: Vec<f32> = outputs.output::<f32>("Identity")?.iter().copied().collect();
                let scores: Vec<f32> = outputs.output::<f32>("Identity_1")?.iter().copied().collect();
                let candidates = self.candidates(&numbers, &scores, min_score);
                let persons = merged(candidates).into_iter().filter_map(|one| Some(person(&one, back.as_ref()?)));
                found.push(persons.collect());
                Ok(())
            },
        )?;
        Ok(found)
    }

    fn candidates(&self, numbers: &[f32], scores: &[f32], min_score: f32) -> Vec<Candidate> {
        let rows = numbers.as_chunks::<NUMBERS>().0.iter().zip(scores).zip(&self.anchors);
        let scored =
            rows.map(|((row, score), anchor)| (row, 1.0 / (1.0 + (-score.clamp(-LARGEST, LARGEST)).exp()), anchor));
        let sure = scored.filter(|(row, score, _)| *score >= min_score && row.iter().all(|n| n.is_finite()));
        sure.map(|(row, score, anchor)| {
            let at = |index: usize| [row[index] + anchor[0], row[index + 1] + anchor[1]];
            let ([x, y], [w, h]) = (at(0), [row[2], row[3]]);
            let bbox = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
            Candidate { score, bbox, axis: [at(4), at(6)] }
        })
        .collect()
    }
}

/// Centres of the anchors in pixels of the input, in the order of the outputs.
fn anchors() -> Vec<[f32; 2]> {
    let mut all = Vec::new();
    for (cells, each) in GRIDS {
        let centre = |at: usize| (at as f32 + 0.5) / cells as f32 * SIDE as f32;
        for (y, x) in (0..cells).flat_map(|y| (0..cells).map(move |x| (y, x))) {
            all.extend(std::iter::repeat_n([centre(x), centre(y)], each));
        }
    }
    all
}

/// Weighted suppression: detections of one person become their mean, weighted by score.
fn merged(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut all = Vec::new();
    while let Some(best) = candidates.first().copied() {
        let (same, others): (Vec<Candidate>, Vec<Candidate>) =
            candidates.iter().copied().partition(|other| iou(&best.bbox, &other.bbox) > OVERLAP);
        let total: f32 = same.iter().map(|one| one.score).sum();
        let mean =
            |value: &dyn Fn(&Candidate) -> f32| same.iter().map(|one| one.score * value(one)).sum::<f32>() / total;
        if !same.is_empty() && total > 0.0 {
            all.push(Candidate {
                score: best.score,
                bbox: std::array::from_fn(|at| mean(&|one| one.bbox[at])),
                axis: std::array::from_fn(|point| std::array::from_fn(|at| mean(&|one| one.axis[point][at]))),
            });
        }
        // A box without area overlaps nothing, not even itself.
        candidates = if same.is_empty() { others[1..].to_vec() } else { others };
    }
    all
}

/// Brings an image into the middle of the input. Sampled without averaging, as MediaPipe does: where the detector sees the hips
/// decides on the region, and with it on every landmark.
fn into_input(picture: &impl MatTraitConst) -> Similarity {
    let (width, height) = (f64::from(picture.cols()), f64::from(picture.rows()));
    let scale = f64::from(SIDE) / width.max(height).max(1.0);
    let start = |length: f64| (f64::from(SIDE) - length * scale) / 2.0;
    Similarity { a: scale, b: 0.0, tx: start(width), ty: start(height) }
}

/// The person in pixels of the image; its box is a square that the body lies in, until the landmarks say better.
fn person(one: &Candidate, back: &Similarity) -> Person {
    let axis = one.axis.map(|point| back.apply(point));
    let reach = REACH * (axis[1][0] - axis[0][0]).hypot(axis[1][1] - axis[0][1]);
    let [x, y] = axis[0];
    let bbox = [x - reach, y - reach, x + reach, y + reach];
    Person { bbox, score: one.score, keypoints: Keypoints::default(), axis: Some(axis) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_anchor_for_every_row() {
        let anchors = anchors();
        assert_eq!(anchors.len(), 2254);
        assert_eq!((anchors[0], anchors[2]), ([4.0, 4.0], [12.0, 4.0]));
        assert_eq!(anchors[2253], [208.0, 208.0]);
    }

    #[test]
    fn detections_of_one_person_become_one() {
        let candidate =
            |left: f32, score| Candidate { score, bbox: [left, 0.0, left + 50.0, 50.0], axis: [[left, 9.0]; 2] };
        let all = merged(vec![candidate(0.0, 0.6), candidate(10.0, 0.9), candidate(120.0, 0.7)]);
        assert_eq!(all.len(), 2);
        assert!((all[0].axis[0][0] - 6.0).abs() < 1e-4 && all[0].score == 0.9);
        let flat = Candidate { score: 0.9, bbox: [5.0, 5.0, 5.0, 5.0], axis: [[0.0; 2]; 2] };
        assert_eq!(merged(vec![flat, flat]).len(), 0);
    }
}
