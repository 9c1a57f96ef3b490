//! SAM 2 (Ravi et al. 2024): masks of what is pointed at, and of everything by pointing everywhere.
//!
//! The encoder takes `image` [1, 3, side, side] (RGB, less ImageNet's mean, over its deviation) and gives `high_res_feats_0`, `high_res_feats_1`
//! and `image_embed`. The decoder takes these, `point_coords` [n, p, 2] in pixels of the encoder's image and `point_labels` [n, p] (1 = a
//! point inside; 2 and 3 = left top and right bottom corner of a box), and gives `masks` [n, m, h, w] (logits) and
//! `iou_predictions` [n, m]. `tools/parity/segment_anything.py` exports both halves of a checkpoint.
mod everything;
mod memory;

use crate::SegmentationStage;
use crate::input::persons::Person;
use crate::masks::Instance;
pub use crate::masks::SmallRegions;
pub use crate::models::stretch::normalised;
use crate::settings::{DECODER, ENCODER, SegmentationSettings};
pub use everything::Choice;
use framefleet_infer::{Dim, Session, TensorView};
use framefleet_masks::Rle;
use framefleet_perception::{PerceptionError, require};
use framefleet_stage::{Host, SetupError};
pub use memory::{Memory, Object};
use ndarray::{Array2, Array3, ArrayD, ArrayView2, Ix2, Ix4};
use opencv::core::{self, CmpTypes, Mat, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// How far the threshold is moved up and down for stability, logits.
const MOVED: f64 = 1.0;
/// Labels of the corners of a box.
const BOX: [f32; 2] = [2.0, 3.0];

/// Both halves of the model.
pub struct Prompted {
    encoder: Session,
    decoder: Session,
    side: i32,
}

/// What the encoder made of an image.
pub struct Embedding {
    size: Size,
    features: [(&'static str, ArrayD<f32>); 3],
}

/// A mask before it is published, of the whole image.
pub struct Candidate {
    /// The pixels.
    pub runs: Rle,
    /// The model's own guess of its overlap with the truth.
    pub predicted_iou: f32,
    /// Pixels above the raised threshold over pixels above the lowered one.
    pub stability: f32,
    /// What was pointed at, pixels of the image; absent for boxes.
    pub point: Option<[f32; 2]>,
    /// The pose of the person whose box was pointed at: its instance.
    pub pose: Option<u32>,
}

impl Embedding {
    fn inputs(&self) -> Vec<(&str, TensorView<'_>)> {
        self.features.iter().map(|(name, array)| (*name, TensorView::from(array))).collect()
    }
}

impl Candidate {
    /// The candidate without small holes and islands.
    pub(crate) fn cleaned(mut self, small: SmallRegions) -> Self {
        self.clean(small);
        self
    }

    /// Fills small holes and removes small islands; whether there were any.
    fn clean(&mut self, small: SmallRegions) -> bool {
        let filled = self.runs.without_holes(small.holes);
        let rest = filled.as_ref().unwrap_or(&self.runs).without_islands(small.islands);
        let Some(clean) = rest.or(filled) else { return false };
        self.runs = clean;
        true
    }
}

impl Prompted {
    /// Opens the models of the plan.
    pub fn open(host: &Host) -> Result<Self, SetupError> {
        let open = |role| require::<SegmentationStage>(host, role);
        Self::new(open(ENCODER)?, open(DECODER)?).map_err(|error| SetupError(error.to_string()))
    }

    /// Puts the halves together.
    pub fn new(encoder: Session, decoder: Session) -> Result<Self, PerceptionError> {
        let shape: Vec<usize> = match &encoder.inputs()?[..] {
            [input] if input.name == "image" => {
                input.shape.iter().map(|dim| if let Dim::Fixed(size) = dim { *size } else { 0 }).collect()
            }
            _ => Vec::new(),
        };
        let [_, 3, height, width] = shape[..] else {
            return Err(wrong(&encoder, ENCODER, "it must take image [1, 3, side, side]".to_owned()));
        };
        if height != width || width == 0 {
            return Err(wrong(&encoder, ENCODER, format!("it takes pictures of {width}×{height}, not square ones")));
        }
        let given: Vec<String> = decoder.inputs()?.into_iter().map(|spec| spec.name).collect();
        let missing = FEATURES
            .iter()
            .chain(&["point_coords", "point_labels"])
            .find(|name| !given.iter().any(|given| given == *name));
        if let Some(missing) = missing {
            return Err(wrong(&decoder, DECODER, format!("it takes no {missing}")));
        }
        Ok(Self { encoder, decoder, side: width as i32 })
    }

    /// Looks at an image (RGB, 8 bits): once, however much is asked about it. One image at a time: what the encoder makes of one takes
    /// tens of megabytes, and prompts of one image share it.
    pub fn embed(&self, picture: &impl MatTraitConst) -> Result<Embedding, PerceptionError> {
        let side = self.side as usize;
        let input = normalised(picture, self.side)?;
        let outputs = self.encoder.run(&[("image", TensorView::from(&input))])?;
        debug_assert_eq!(input.shape(), [1, 3, side, side]);
        let [a, b, c] = FEATURES;
        let features = [(a, outputs.get(a)?), (b, outputs.get(b)?), (c, outputs.get(c)?)];
        Ok(Embedding { size: picture.size()?, features })
    }

    /// The logits and predicted overlaps of prompts (each as many points, with labels, in pixels of the image), `at_a_time` of them
    /// together: the last are filled up, so that shapes stay the same. `take` gets the prompt's number and what the model gives, in
    /// order.
    fn decode(
        &self,
        embedding: &Embedding,
        prompts: &[Vec<([f32; 2], f32)>],
        at_a_time: usize,
        mut take: impl FnMut(usize, ArrayView2<'_, f32>, f32) -> Result<(), PerceptionError>,
    ) -> Result<(), PerceptionError> {
        let scale = [self.side as f32 / embedding.size.width as f32, self.side as f32 / embedding.size.height as f32];
        let points = prompts.first().map_or(0, Vec::len);
        for (number, chunk) in prompts.chunks(at_a_time.max(1)).enumerate() {
            let of = |row: usize, point: usize| chunk[row.min(chunk.len() - 1)][point];
            let places = Array3::from_shape_fn((at_a_time, points, 2), |(row, point, axis)| {
                of(row, point).0[axis] * scale[axis]
            });
            let labels = Array2::from_shape_fn((at_a_time, points), |(row, point)| of(row, point).1);
            let mut inputs: Vec<(&str, TensorView<'_>)> =
                vec![("point_coords", TensorView::from(&places)), ("point_labels", TensorView::from(&labels))];
            inputs.extend(embedding.inputs());
            let first = number * at_a_time;
            self.decoder.run_with(&inputs, |outputs| {
                let (masks, predicted) = (outputs.get::<f32>("masks")?, outputs.get::<f32>("iou_predictions")?);
                let shape = |error| wrong(&self.decoder, DECODER, format!("masks or iou_predictions: {error}"));
                let masks = masks.into_dimensionality::<Ix4>().map_err(shape)?;
                let predicted = predicted.into_dimensionality::<Ix2>().map_err(shape)?;
                for (row, (masks, predicted)) in
                    masks.outer_iter().zip(predicted.outer_iter()).take(chunk.len()).enumerate()
                {
                    for (mask, predicted) in masks.outer_iter().zip(predicted) {
                        take(first + row, mask, *predicted)?;
                    }
                }
                Ok::<_, PerceptionError>(())
            })??;
        }
        Ok(())
    }

    /// The persons of an image, by their boxes: of every box the mask that the model is surest of.
    pub fn boxes(
        &self,
        picture: &impl MatTraitConst,
        people: &[Person],
        settings: &SegmentationSettings,
    ) -> Result<Vec<Instance>, PerceptionError> {
        let embedding = self.embed(picture)?;
        let corner = |person: &Person| {
            let [x0, y0, x1, y1] = person.bounds;
            vec![([x0, y0], BOX[0]), ([x1, y1], BOX[1])]
        };
        let prompts: Vec<_> = people.iter().map(corner).collect();
        let mut surest: Vec<Option<(f32, Array2<f32>)>> = vec![None; people.len()];
        self.decode(&embedding, &prompts, settings.prompts_per_run as usize, |item, logits, predicted| {
            if surest[item].as_ref().is_none_or(|(before, _)| predicted > *before) {
                surest[item] = Some((predicted, logits.to_owned()));
            }
            Ok(())
        })?;
        let small = SmallRegions::new(settings, embedding.size);
        let mut found = Vec::new();
        for (person, surest) in people.iter().zip(surest) {
            let Some((predicted_iou, logits)) = surest else { continue };
            let (mask, stability) = binary(logits.view(), embedding.size)?;
            let (runs, pose) = (Rle::of(&mask)?, person.pose);
            let candidate = Candidate { runs, predicted_iou, stability, point: None, pose };
            found.push(candidate.cleaned(small));
        }
        Ok(chosen(found, small, settings))
    }
}

const FEATURES: [&str; 3] = ["high_res_feats_0", "high_res_feats_1", "image_embed"];

fn wrong(session: &Session, role: &'static str, problem: String) -> PerceptionError {
    PerceptionError::Model { model: session.name().to_owned(), role, problem }
}

/// Logits as a mask of the image's size, and how stable it is.
fn binary(logits: ArrayView2<'_, f32>, size: Size) -> Result<(Mat, f32), PerceptionError> {
    let (rows, columns) = logits.dim();
    let mut small = Mat::new_rows_cols_with_default(rows as i32, columns as i32, core::CV_32FC1, Scalar::default())?;
    small.data_typed_mut::<f32>()?.iter_mut().zip(logits).for_each(|(into, value)| *into = *value);
    let mut full = Mat::default();
    imgproc::resize(&small, &mut full, size, 0.0, 0.0, imgproc::INTER_LINEAR)?;
    let above = |threshold: f64| {
        let mut mask = Mat::default();
        core::compare(&full, &Scalar::all(threshold), &mut mask, CmpTypes::CMP_GT as i32).map(|()| mask)
    };
    let (high, low) = (core::count_non_zero(&above(MOVED)?)?, core::count_non_zero(&above(-MOVED)?)?);
    let stability = if low > 0 { high as f32 / low as f32 } else { 0.0 };
    Ok((above(0.0)?, stability))
}

/// Candidates of size as instances, the largest first.
pub(crate) fn chosen(
    mut candidates: Vec<Candidate>,
    small: SmallRegions,
    settings: &SegmentationSettings,
) -> Vec<Instance> {
    candidates.retain(|candidate| candidate.runs.area() >= small.islands.max(1));
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.runs.area()));
    candidates.truncate(settings.max_instances as usize);
    let instance = |candidate: Candidate| Instance {
        runs: candidate.runs,
        score: candidate.predicted_iou.clamp(0.0, 1.0),
        stability: Some(candidate.stability),
        point: candidate.point,
        pose: candidate.pose,
    };
    candidates.into_iter().map(instance).collect()
}
