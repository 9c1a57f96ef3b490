//! SAM 2 (Ravi et al. 2024): masks of what is pointed at, and of everything by pointing everywhere.
//!
//! The encoder takes `image` [1, 3, side, side] (RGB, less ImageNet's mean, over its deviation) and gives `high_res_feats_0`, `high_res_feats_1`
//! and `image_embed`. The decoder takes these, `point_coords` [n, p, 2] in pixels of the encoder's picture and `point_labels` [n, p] (1 = a
//! point inside; 2 and 3 = left top and right bottom corner of a box), and gives `masks` [n, m, h, w] (logits) and
//! `iou_predictions` [n, m]. `tools/parity/segment_anything.py` exports both halves of a checkpoint.
use crate::error::SegmentationError;
pub use crate::masks::SmallRegions;
use crate::masks::{Instance, fill_holes, remove_islands};
use crate::persons::Person;
use crate::settings::{DECODER, ENCODER, SegmentationSettings};
use framefleet_infer::{Dim, Networks, Session, TensorView};
use framefleet_vision::VisionError;
use framefleet_vision::boxes::{self, Corners};
use ndarray::{Array2, Array3, Array4, ArrayD, ArrayView2, ArrayView3, Ix2, Ix4};
use opencv::core::{self, CmpTypes, Mat, Rect, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// ImageNet's mean and standard deviation, RGB.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// How far the threshold is moved up and down for stability, logits.
const MOVED: f64 = 1.0;
/// Labels of points.
const INSIDE: f32 = 1.0;
const BOX: [f32; 2] = [2.0, 3.0];

/// Both halves of the network.
pub struct Prompted {
    encoder: Session,
    decoder: Session,
    side: i32,
}

/// What the encoder made of a picture.
pub struct Embedding {
    size: Size,
    features: [(&'static str, ArrayD<f32>); 3],
}

/// A mask before it is published, of the whole picture.
pub struct Candidate {
    /// 0 or 255, `CV_8UC1`.
    pub mask: Mat,
    /// The network's own guess of its overlap with the truth.
    pub predicted_iou: f32,
    /// Pixels above the raised threshold over pixels above the lowered one.
    pub stability: f32,
    /// What was pointed at, pixels of the picture; absent for boxes.
    pub point: Option<[f32; 2]>,
}

/// How candidates of a grid are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Points along each side.
    pub points_per_side: u32,
    /// Points that the network is given at a time.
    pub at_a_time: usize,
    /// Least predicted overlap.
    pub min_predicted_iou: f32,
    /// Least stability.
    pub min_stability: f32,
    /// Overlap of boxes from which the better stays.
    pub duplicate_iou: f32,
    /// What is too small; nothing is cleaned when both are 0.
    pub small: SmallRegions,
}

impl Prompted {
    /// Opens the networks of the plan.
    pub fn open(networks: &Networks) -> Result<Self, SegmentationError> {
        Self::new(networks.open(ENCODER)?, networks.open(DECODER)?)
    }

    /// Puts the halves together.
    pub fn new(encoder: Session, decoder: Session) -> Result<Self, SegmentationError> {
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

    /// Looks at a picture (RGB, 8 bits): once, however much is asked about it.
    pub fn embed(&self, picture: &Mat) -> Result<Embedding, SegmentationError> {
        let side = self.side as usize;
        let input = normalised(picture, self.side)?;
        let outputs = self.encoder.run(&[("image", TensorView::from(&input))])?;
        debug_assert_eq!(input.shape(), [1, 3, side, side]);
        let [a, b, c] = FEATURES;
        let features = [(a, outputs.get(a)?), (b, outputs.get(b)?), (c, outputs.get(c)?)];
        Ok(Embedding { size: picture.size()?, features })
    }

    /// The logits and predicted overlaps of prompts (each as many points, with labels, in pixels of the picture), `at_a_time` of them
    /// together: the last are filled up, so that shapes stay the same. `take` gets the prompt's number and what the network gives, in
    /// order.
    fn decode(
        &self,
        embedding: &Embedding,
        prompts: &[Vec<([f32; 2], f32)>],
        at_a_time: usize,
        mut take: impl FnMut(usize, ArrayView2<'_, f32>, f32) -> Result<(), SegmentationError>,
    ) -> Result<(), SegmentationError> {
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
            inputs.extend(embedding.features.iter().map(|(name, array)| (*name, TensorView::from(array))));
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
                Ok::<_, SegmentationError>(())
            })??;
        }
        Ok(())
    }

    /// What the generator of the reference calls its records: masks of a grid of points, the doubtful ones left out, duplicates
    /// removed, then cleaned (as the generator of the first SAM does it; that of SAM 2 does so on CUDA alone). In order of predicted
    /// overlap.
    pub fn generate(&self, embedding: &Embedding, choice: Choice) -> Result<Vec<Candidate>, SegmentationError> {
        let points = grid(choice.points_per_side, embedding.size);
        let prompts: Vec<_> = points.iter().map(|point| vec![(*point, INSIDE)]).collect();
        let mut found: Vec<Candidate> = Vec::new();
        self.decode(embedding, &prompts, choice.at_a_time, |item, logits, predicted_iou| {
            if predicted_iou > choice.min_predicted_iou {
                let (mask, stability) = binary(logits, embedding.size)?;
                if stability >= choice.min_stability {
                    found.push(Candidate { mask, predicted_iou, stability, point: Some(points[item]) });
                }
            }
            Ok(())
        })?;
        let scores: Vec<f32> = found.iter().map(|candidate| candidate.predicted_iou).collect();
        let mut found = best(found, &scores, choice.duplicate_iou)?;
        if choice.small.islands > 0 || choice.small.holes > 0 {
            let mut scores = Vec::with_capacity(found.len());
            for candidate in &mut found {
                let filled = fill_holes(&mut candidate.mask, choice.small.holes)?;
                let removed = remove_islands(&mut candidate.mask, choice.small.islands)?;
                scores.push(if filled || removed { 0.0 } else { 1.0 });
            }
            found = best(found, &scores, choice.duplicate_iou)?;
        }
        Ok(found)
    }

    /// All things in a picture, the largest first.
    pub fn everything(
        &self,
        picture: &Mat,
        settings: &SegmentationSettings,
    ) -> Result<Vec<Instance>, SegmentationError> {
        let choice = Choice {
            points_per_side: settings.points_per_side,
            at_a_time: settings.prompts_per_run as usize,
            min_predicted_iou: settings.min_predicted_iou as f32,
            min_stability: settings.min_stability as f32,
            duplicate_iou: settings.duplicate_iou as f32,
            small: SmallRegions::new(settings, picture.size()?),
        };
        let found = self.generate(&self.embed(picture)?, choice)?;
        chosen(found, choice.small, settings)
    }

    /// The persons of a picture, by their boxes: of every box the mask that the network is surest of.
    pub fn boxes(
        &self,
        picture: &Mat,
        people: &[Person],
        settings: &SegmentationSettings,
    ) -> Result<Vec<Instance>, SegmentationError> {
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
        for (predicted_iou, logits) in surest.into_iter().flatten() {
            let (mut mask, stability) = binary(logits.view(), embedding.size)?;
            fill_holes(&mut mask, small.holes)?;
            remove_islands(&mut mask, small.islands)?;
            found.push(Candidate { mask, predicted_iou, stability, point: None });
        }
        chosen(found, small, settings)
    }
}

const FEATURES: [&str; 3] = ["high_res_feats_0", "high_res_feats_1", "image_embed"];

fn wrong(session: &Session, role: &'static str, problem: String) -> SegmentationError {
    SegmentationError::Network { model: session.name().to_owned(), role, problem }
}

/// A picture (RGB, 8 bits) as the encoder takes it: stretched to a square, whatever its aspect ratio, as torchvision's `Resize` does it.
pub fn normalised(picture: &Mat, side: i32) -> Result<Array4<f32>, SegmentationError> {
    let (width, height) = (picture.cols() as usize, picture.rows() as usize);
    let side = side as usize;
    let source = ArrayView3::from_shape((height, width, 3), picture.data_bytes()?)
        .map_err(|error| VisionError::Mask(format!("the picture's bytes: {error}")))?;
    let (across, down) = (taps(width, side), taps(height, side));
    let mut rows = Array3::<f32>::zeros((height, side, 3));
    for (source, mut into) in source.outer_iter().zip(rows.outer_iter_mut()) {
        for ((first, weights), mut pixel) in across.iter().zip(into.outer_iter_mut()) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let weighted =
                    weights.iter().enumerate().map(|(at, weight)| weight * f32::from(source[[first + at, channel]]));
                *value = weighted.sum::<f32>() / 255.0;
            }
        }
    }
    let mut result = Array4::<f32>::zeros((1, 3, side, side));
    for (y, (first, weights)) in down.iter().enumerate() {
        for channel in 0..3 {
            for x in 0..side {
                let column = weights.iter().enumerate().map(|(at, weight)| weight * rows[[first + at, x, channel]]);
                result[[0, channel, y, x]] = (column.sum::<f32>() - MEAN[channel]) / DEVIATION[channel];
            }
        }
    }
    Ok(result)
}

/// For every place along a side: the first pixel that it is made of, and the weights of that one and those after it. Weights fall
/// off linearly over one pixel of the coarser grid.
fn taps(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f64 / to as f64;
    let reach = scale.max(1.0);
    let place = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).floor().max(0.0) as usize;
        let last = ((centre + reach + 0.5).floor() as usize).clamp(first + 1, from.max(1));
        let first = first.min(last - 1);
        let weight = |pixel: usize| (1.0 - ((pixel as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        let sum: f64 = (first..last).map(weight).sum();
        (first, (first..last).map(|pixel| (weight(pixel) / sum) as f32).collect())
    };
    (0..to).map(place).collect()
}

/// Points spread evenly, row by row, pixels of the picture.
fn grid(per_side: u32, size: Size) -> Vec<[f32; 2]> {
    let at = |index: u32, length: i32| (index as f32 + 0.5) / per_side as f32 * length as f32;
    (0..per_side * per_side)
        .map(|index| [at(index % per_side, size.width), at(index / per_side, size.height)])
        .collect()
}

/// Logits as a mask of the picture's size, and how stable it is.
fn binary(logits: ArrayView2<'_, f32>, size: Size) -> Result<(Mat, f32), SegmentationError> {
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

/// The candidates whose boxes overlap no better one's by more than `most`, the best first. Boxes end at the last pixel, as the
/// reference's do.
fn best(candidates: Vec<Candidate>, scores: &[f32], most: f32) -> Result<Vec<Candidate>, SegmentationError> {
    let corners = |candidate: &Candidate| {
        let place = imgproc::bounding_rect(&candidate.mask)?;
        let (width, height) = ((place.width - 1).max(0), (place.height - 1).max(0));
        Ok([place.x, place.y, place.x + width, place.y + height].map(|side| side as f32))
    };
    let corners = candidates.iter().map(corners).collect::<opencv::Result<Vec<Corners>>>()?;
    let mut candidates: Vec<Option<Candidate>> = candidates.into_iter().map(Some).collect();
    Ok(boxes::suppress(&corners, scores, most).into_iter().filter_map(|at| candidates[at].take()).collect())
}

/// Candidates of size as instances, the largest first.
fn chosen(
    candidates: Vec<Candidate>,
    small: SmallRegions,
    settings: &SegmentationSettings,
) -> Result<Vec<Instance>, SegmentationError> {
    let mut found = Vec::new();
    for candidate in candidates {
        let area = core::count_non_zero(&candidate.mask)?;
        if area >= small.islands.max(1) {
            let place: Rect = imgproc::bounding_rect(&candidate.mask)?;
            found.push(Instance {
                place,
                mask: Mat::roi(&candidate.mask, place)?.try_clone()?,
                area,
                score: candidate.predicted_iou.clamp(0.0, 1.0),
                stability: Some(candidate.stability),
                point: candidate.point,
            });
        }
    }
    found.sort_by_key(|instance| std::cmp::Reverse(instance.area));
    found.truncate(settings.max_instances as usize);
    Ok(found)
}
