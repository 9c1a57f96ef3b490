//! SAM 2's memory: an object that was found on one frame is followed through those after it, by what was remembered of it.
//!
//! Four graphs, which `tools/parity/segment_anything.py` exports beside encoder and decoder; all are about one object, and take
//! `image_embed` as the encoder gives it. `pointer` (`image_embed`, `mask` [1, 1, side, side] of 0 and 1) gives the `pointer` of an
//! object that is shown. `memory` (`image_embed`, `mask` [1, 1, side/4, side/4] of logits, `object_score` [1, 1]) gives the `memory` of a
//! frame. `attention` (`image_embed`, `memories` [m, …], `memory_slots` [m], `pointers` [p, …], `pointer_times` [p]) gives features
//! `conditioned` on what was. `decoder` (these and the finer features) gives `mask` (logits), `iou_prediction`, `pointer` and
//! `object_score`, above 0 where the object is there at all.
use super::{Candidate, Embedding, Prompted, binary, wrong};
use crate::SegmentationStage;
use crate::models::stretch::stretched;
use crate::settings::{MEMORY_ATTENTION, MEMORY_DECODER, MEMORY_ENCODER, MEMORY_POINTER};
use framefleet_infer::{Session, TensorView};
use framefleet_masks::Rle;
use framefleet_perception::{PerceptionError, require};
use framefleet_stage::{Host, SetupError};
use framefleet_vision::VisionError;
use ndarray::{Array1, Array2, ArrayD, ArrayView3, Axis, Ix4};
use opencv::prelude::*;
use std::collections::VecDeque;

/// Earlier frames whose memory is attended to, besides the one that the object was shown on, which has the last slot.
const RECENT: u64 = 6;
/// Pointers that are attended to, that of the frame that the object was shown on among them.
const POINTERS: u64 = 16;
/// Logits of a mask that is given: inside and outside are the same distance from 0.
const GIVEN: f32 = 10.0;

/// The models of the memory.
pub struct Memory {
    pointer: Session,
    encoder: Session,
    attention: Session,
    decoder: Session,
}

/// An object that is followed.
pub struct Object {
    shown: Remembered,
    /// The frames after that, the latest last.
    recent: VecDeque<Remembered>,
}

/// What is kept of an object on a frame.
struct Remembered {
    frame: u64,
    memory: ArrayD<f32>,
    pointer: ArrayD<f32>,
}

impl Memory {
    /// Opens the models of the plan.
    pub fn open(host: &Host) -> Result<Self, SetupError> {
        let open = |role| require::<SegmentationStage>(host, role);
        Ok(Self {
            pointer: open(MEMORY_POINTER)?,
            encoder: open(MEMORY_ENCODER)?,
            attention: open(MEMORY_ATTENTION)?,
            decoder: open(MEMORY_DECODER)?,
        })
    }

    /// An object that a mask of a frame shows.
    pub fn shown(
        &self,
        model: &Prompted,
        frame: u64,
        embedding: &Embedding,
        mask: &Rle,
    ) -> Result<Object, PerceptionError> {
        let picture = mask.picture()?;
        let size = (picture.rows() as usize, picture.cols() as usize, 1);
        let bytes = ArrayView3::from_shape(size, picture.data_bytes()?)
            .map_err(|error| VisionError::Invalid(format!("the mask's bytes: {error}")))?;
        let side = model.side as usize;
        let inside = stretched(bytes, side, side).mapv(|value| if value >= 127.5 { 1.0 } else { 0.0 });
        let logits = stretched(inside.mapv(|value| (2.0 * value - 1.0) * GIVEN).view(), side / 4, side / 4);
        let score = if inside.iter().any(|&value| value > 0.0) { GIVEN } else { -GIVEN };
        let inside = inside.insert_axis(Axis(0)).permuted_axes([0, 3, 1, 2]);
        let inside = inside.as_standard_layout().into_owned();
        let (name, features) = &embedding.features[2];
        let inputs = [(*name, TensorView::from(features)), ("mask", TensorView::from(&inside))];
        let pointer = self.pointer.run(&inputs)?.get::<f32>("pointer")?;
        let logits = logits.permuted_axes([2, 0, 1]).insert_axis(Axis(0)).as_standard_layout().into_owned();
        let memory = self.memory(embedding, &logits.into_dyn(), score)?;
        Ok(Object { shown: Remembered { frame, memory, pointer }, recent: VecDeque::new() })
    }

    /// The object on the next frame; `None` where it is hidden or gone. It is followed for `frames` frames in all.
    pub fn follow(
        &self,
        frame: u64,
        embedding: &Embedding,
        object: &mut Object,
        frames: u64,
    ) -> Result<Option<Candidate>, PerceptionError> {
        let conditioned = self.conditioned(frame, embedding, object, frames)?;
        let [(finest, a), (middle, b), (coarsest, _)] = &embedding.features;
        let inputs = [
            (*coarsest, TensorView::from(&conditioned)),
            (*finest, TensorView::from(a)),
            (*middle, TensorView::from(b)),
        ];
        let outputs = self.decoder.run(&inputs)?;
        let logits = outputs.get::<f32>("mask")?;
        let first =
            |name: &str| Ok::<_, PerceptionError>(outputs.get::<f32>(name)?.first().copied().unwrap_or(f32::NAN));
        let (score, predicted_iou) = (first("object_score")?, first("iou_prediction")?);
        let memory = self.memory(embedding, &logits, score)?;
        object.recent.push_back(Remembered { frame, memory, pointer: outputs.get("pointer")? });
        while object.recent.len() as u64 >= POINTERS {
            object.recent.pop_front();
        }
        // What is no number is nowhere.
        if score.is_nan() || score <= 0.0 {
            return Ok(None);
        }
        let logits = logits.into_dimensionality::<Ix4>();
        let logits = logits.map_err(|error| wrong(&self.decoder, MEMORY_DECODER, format!("mask: {error}")))?;
        let (mask, stability) = binary(logits.index_axis(Axis(0), 0).index_axis(Axis(0), 0), embedding.size)?;
        Ok(Some(Candidate { runs: Rle::of(&mask)?, predicted_iou, stability, point: None, pose: None }))
    }

    /// The features of a frame after attention to the memory of an object.
    fn conditioned(
        &self,
        frame: u64,
        embedding: &Embedding,
        object: &Object,
        frames: u64,
    ) -> Result<ArrayD<f32>, PerceptionError> {
        let age = |of: &Remembered| frame - of.frame;
        let recent = object.recent.iter().filter(|of| age(of) <= RECENT);
        let slots: Array1<i64> =
            std::iter::once(RECENT as i64).chain(recent.clone().map(|of| age(of) as i64 - 1)).collect();
        let memories = joined(std::iter::once(&object.shown).chain(recent).map(|of| &of.memory), &self.attention)?;
        let max = frames.clamp(2, POINTERS);
        let known = object.recent.iter().rev().filter(|of| age(of) < max);
        let known: Vec<&Remembered> = std::iter::once(&object.shown).chain(known).collect();
        let times: Array1<f32> = known.iter().map(|of| age(of) as f32 / (max - 1) as f32).collect();
        let pointers = joined(known.iter().map(|of| &of.pointer), &self.attention)?;
        let (name, features) = &embedding.features[2];
        let outputs = self.attention.run(&[
            (*name, TensorView::from(features)),
            ("memories", TensorView::from(&memories)),
            ("memory_slots", TensorView::from(&slots)),
            ("pointers", TensorView::from(&pointers)),
            ("pointer_times", TensorView::from(&times)),
        ])?;
        Ok(outputs.get("conditioned")?)
    }

    /// What is remembered of a frame on which an object has a mask (logits).
    fn memory(&self, embedding: &Embedding, mask: &ArrayD<f32>, score: f32) -> Result<ArrayD<f32>, PerceptionError> {
        let (name, features) = &embedding.features[2];
        let score = Array2::from_elem((1, 1), score);
        let outputs = self.encoder.run(&[
            (*name, TensorView::from(features)),
            ("mask", TensorView::from(mask)),
            ("object_score", TensorView::from(&score)),
        ])?;
        Ok(outputs.get::<f32>("memory")?.mapv(kept))
    }
}

/// What is kept of a number: 8 bits of its fraction (bfloat16), as the reference keeps memories.
fn kept(value: f32) -> f32 {
    let bits = value.to_bits();
    let to_even = 0x7fff + (bits >> 16 & 1);
    if value.is_finite() { f32::from_bits(bits.wrapping_add(to_even) & 0xffff_0000) } else { value }
}

/// Arrays of a first axis of 1 as one.
fn joined<'a>(of: impl Iterator<Item = &'a ArrayD<f32>>, session: &Session) -> Result<ArrayD<f32>, PerceptionError> {
    let views: Vec<_> = of.map(|array| array.view()).collect();
    ndarray::concatenate(Axis(0), &views)
        .map_err(|error| wrong(session, MEMORY_ATTENTION, format!("memories or pointers differ: {error}")))
}
