//! Small images of faces: process keeps a few per batch, finish gives each identity its best.
use crate::face::observation::Observation;
use framefleet_frames::{Face, FaceCrop, FaceCrops, Rendition};
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::{Batch, Outputs, Records, StageError};
use framefleet_vision::image_file::{Encoding, encode};
use opencv::core::{BORDER_REPLICATE, Scalar, ToInputArray};
use prost::Message;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::Write;

/// Name of the attachment.
const CROPS: &str = "crops.bin";
/// Crops kept per batch at most.
const PER_BATCH: usize = 24;
/// Faces of a batch that are more similar than this are one person: one crop is enough.
const SAME_PERSON: f32 = 0.6;
/// Side of a crop, pixels.
const SIDE: u32 = 128;
/// Side of the square that a crop shows, in longer sides of the face's box.
const MARGIN: f32 = 1.5;
/// JPEG quality.
const JPEG_QUALITY: u8 = 88;

/// Attaches crops of the best faces of a batch, one of each person as far as the batch can tell.
pub fn attach(
    batch: &Batch,
    rendition: Rendition,
    faces: &[(Observation, Face)],
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut crops = Vec::new();
    for index in chosen(faces) {
        let seen = &faces[index].0;
        let view = FrameView::of(batch, rendition, seen.frame)?;
        let jpeg = crop(view.rgb(), &seen.found.bbox)?;
        crops.push(FaceCrop { frame: seen.frame, instance: seen.instance, jpeg: jpeg.into() });
    }
    if crops.is_empty() {
        return Ok(());
    }
    crops.sort_by_key(|crop| (crop.frame, crop.instance));
    let file = out.attach(CROPS).map_err(StageError::retry)?;
    file.write_all(&FaceCrops { crops }.encode_to_vec()).map_err(StageError::retry)
}

/// Faces to keep crops of, the best first.
fn chosen(faces: &[(Observation, Face)]) -> Vec<usize> {
    let value = |index: &usize| faces[*index].1.quality.map_or(0.0, |quality| quality.value);
    let mut order: Vec<usize> = (0..faces.len()).filter(|&index| !faces[index].1.embedding.is_empty()).collect();
    order.sort_by(|a, b| value(b).total_cmp(&value(a)).then(a.cmp(b)));
    let mut kept: Vec<usize> = Vec::new();
    for index in order {
        let similar = |other: &usize| cosine(&faces[*other].1.embedding, &faces[index].1.embedding) > SAME_PERSON;
        if kept.len() < PER_BATCH && !kept.iter().any(similar) {
            kept.push(index);
        }
    }
    kept
}

/// Cosine of two vectors of length 1.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A square around a face as a JPEG file.
fn crop(rgb: &impl ToInputArray, bbox: &[f32; 4]) -> Result<Vec<u8>, PerceptionError> {
    let [x0, y0, x1, y1] = bbox.map(f64::from);
    let side = (x1 - x0).max(y1 - y0).max(1.0) * f64::from(MARGIN);
    let scale = f64::from(SIDE) / side;
    let shift = |low: f64, high: f64| f64::from(SIDE) / 2.0 - (low + high) / 2.0 * scale;
    let square = framefleet_vision::alignment::Similarity { a: scale, b: 0.0, tx: shift(x0, x1), ty: shift(y0, y1) };
    let small = square.warp(rgb, (SIDE, SIDE), BORDER_REPLICATE, Scalar::all(0.0))?;
    Ok(encode(&small, Encoding::Jpeg(JPEG_QUALITY))?)
}

/// How a crop ranks among those of its identity: quality in millionths, then the earlier one.
type Rank = (u32, Reverse<(usize, u64, u32)>);

/// Crops of an identity with their ranks; the lowest is at hand.
type Ranked = BinaryHeap<Reverse<(Rank, Vec<u8>)>>;

/// The best crops of every identity, as `(item, frame, instance)` with the JPEG file, best first; `of(item, frame, instance)`
/// is the identity of a face and its quality. So many crops of each are in memory, no more.
pub fn best(
    records: &dyn Records,
    items: &BTreeMap<String, usize>,
    max: usize,
    of: impl Fn(usize, u64, u32) -> Option<(usize, f32)>,
) -> Result<BTreeMap<usize, Vec<(usize, FaceCrop)>>, StageError> {
    let mut kept: BTreeMap<usize, Ranked> = BTreeMap::new();
    for (item, _, path) in records.attachments(CROPS).map_err(StageError::retry)? {
        let Some(&item) = items.get(&item) else { continue };
        let bytes = std::fs::read(&path).map_err(StageError::retry)?;
        let crops = FaceCrops::decode(bytes.as_slice())
            .map_err(|error| StageError::Retry(format!("cannot read back the crops that process kept: {error}")))?;
        for crop in crops.crops {
            let Some((identity, quality)) = of(item, crop.frame, crop.instance) else { continue };
            let rank = ((quality.clamp(0.0, 1.0) * 1e6) as u32, Reverse((item, crop.frame, crop.instance)));
            let best = kept.entry(identity).or_default();
            best.push(Reverse((rank, crop.jpeg.to_vec())));
            if best.len() > max {
                best.pop();
            }
        }
    }
    let sorted = |heap: Ranked| {
        let crops = heap.into_sorted_vec().into_iter().map(|Reverse(((_, Reverse((item, frame, instance))), jpeg))| {
            (item, FaceCrop { frame, instance, jpeg: jpeg.into() })
        });
        crops.collect()
    };
    Ok(kept.into_iter().map(|(identity, heap)| (identity, sorted(heap))).collect())
}
