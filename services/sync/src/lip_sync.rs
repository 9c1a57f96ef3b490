//! Offsets by a model of SyncNet's kind (Chung and Zisserman 2016): what is seen of a face for five frames and what is heard for 0.2 s
//! become vectors, which are near to each other when they belong together. Distances over ±15 steps of 40 ms, averaged over a track,
//! are least at the offset.
//!
//! As in the reference, but: images are those nearest to the times of 25 frames per second instead of a film converted to that rate,
//! and boxes are the median of five images instead of thirteen frames, so that a batch needs no more than its halo.
use crate::mouth::faces::{faces_of, shrink};
use crate::offset::distances::{DISTANCES, SHIFTS, STEP_NS};
use crate::settings::SyncSettings;
use crate::track_setting;
use framefleet_audio_features::mfcc::{COEFFICIENTS, FRAME, Mfcc, RATE, STEP};
use framefleet_frames::{Item, LipDistance, LipDistances};
use framefleet_infer::{Dim, InferError, Session, TensorSpec};
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::{Batch, Halo, Job, Outputs, SetupError, StageError};
use framefleet_vision::VisionError;
use framefleet_vision::alignment::Similarity;
use framefleet_vision::boxes::{BBox, iou};
use opencv::core::{BORDER_CONSTANT, Mat, Scalar, ToInputArray};
use opencv::prelude::*;
use prost::Message;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;

/// Frames around one that are read: two steps of 40 ms to each side, at up to 75 frames per second.
pub const HALO: Halo = Halo { before: 6, after: 6 };

/// Images that are seen at once.
const PICTURES: usize = 5;
/// Steps of coefficients that are heard at once.
const HEARD: usize = 20;
/// Half the crop's side ÷ half the box's longer side, and how far its middle lies below the box's, in half sides: reference's crop_scale.
const CROP: f64 = 0.4;
/// What lies outside the image.
const OUTSIDE: f64 = 110.0;
/// Least overlap of one face in two frames.
const OVERLAP: f32 = 0.5;

/// The model.
pub struct LipSync {
    session: Session,
    side: u32,
    mfcc: Mfcc,
}

/// What the model makes of things, one vector each.
type Vectors = Vec<Vec<f32>>;

/// One face at one frame: the images around it.
struct Clip {
    frame: u64,
    instance: u32,
    pictures: [u64; PICTURES],
    /// x, y of the middle and half of the longer side, pixels of the full frame.
    place: [f64; 3],
}

impl LipSync {
    /// Takes a model with the inputs and outputs that the setting `lip_sync_model` describes.
    ///
    /// # Errors
    /// Any other model.
    pub fn new(session: Session) -> Result<Self, SetupError> {
        let problem = |error: InferError| SetupError(format!("the lip-sync model cannot be opened: {error}"));
        let (inputs, outputs) = (session.inputs().map_err(problem)?, session.outputs().map_err(problem)?);
        let face = inputs.iter().find(|spec| spec.name == "face").map(|spec| spec.shape.clone());
        let audio = inputs.iter().any(|spec| {
            spec.name == "audio"
                && spec.shape.get(1..) == Some(&[Dim::Fixed(1), Dim::Fixed(COEFFICIENTS), Dim::Fixed(HEARD)])
        });
        let embeds = ["face_embedding", "audio_embedding"].iter().all(|name| outputs.iter().any(|s| s.name == *name));
        let side = match face.as_deref() {
            Some([_, Dim::Fixed(3), Dim::Fixed(PICTURES), Dim::Fixed(height), Dim::Fixed(width)])
                if height == width =>
            {
                u32::try_from(*width).ok()
            }
            _ => None,
        };
        match side.filter(|_| audio && embeds) {
            Some(side) => Ok(Self { session, side, mfcc: Mfcc::default() }),
            None => {
                let list = |specs: &[TensorSpec]| specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Err(SetupError(format!(
                    "{} is no lip-sync model as `sync` runs them: needed are inputs face [N, 3, 5, side, side] and audio \
                     [N, 1, 13, 20] and outputs face_embedding and audio_embedding [N, D]; it has {} and {}",
                    session.name(),
                    list(&inputs),
                    list(&outputs)
                )))
            }
        }
    }

    /// Measures the distances of the batch's faces, and keeps them for finish.
    pub fn process(
        &self,
        job: &Job,
        batch: &Batch,
        settings: &SyncSettings,
        out: &mut Outputs,
    ) -> Result<(), StageError> {
        let clips: Vec<Clip> = batch.frames().iter().flat_map(|frame| clips(batch, *frame)).collect();
        let steps: BTreeSet<i64> = clips.iter().filter_map(|clip| step_of(batch, clip)).flat_map(around).collect();
        let steps: Vec<i64> = steps.into_iter().collect();
        // Which track is heard, finish decides.
        let (mut sounds, mut tracks) = (Vec::new(), Vec::new());
        for track in 0..track_setting::count(batch.item()) {
            if let Some(own) = self.sounds(job, batch.item(), track, &steps)? {
                sounds.extend(own);
                tracks.push(track);
            }
        }
        if clips.is_empty() || tracks.is_empty() {
            return Ok(());
        }
        let (faces, voices) = self.embed(batch, settings, &clips, &sounds)?;
        let index: HashMap<i64, usize> = steps.iter().enumerate().map(|(index, step)| (*step, index)).collect();
        let kept = tracks.iter().zip(voices.chunks(steps.len().max(1))).flat_map(|(track, voices)| {
            let kept = clips.iter().zip(&faces).filter_map(|(clip, face)| {
                let shifted = around(step_of(batch, clip)?).filter_map(|step| voices.get(*index.get(&step)?));
                let distances = shifted.map(|voice| distance(face, voice)).collect();
                Some(LipDistance { frame: clip.frame, instance: clip.instance, distances, track: *track })
            });
            kept.collect::<Vec<_>>()
        });
        let kept = LipDistances { faces: kept.collect() };
        let file = out.attach(DISTANCES).map_err(StageError::retry)?;
        file.write_all(&kept.encode_to_vec()).map_err(StageError::retry)
    }

    /// Coefficients of what is heard in a track around each step, 13 × 20 row by row; `None` without audio.
    fn sounds(&self, job: &Job, item: &Item, track: u32, steps: &[i64]) -> Result<Option<Vec<Vec<f32>>>, StageError> {
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(Some(Vec::new())) };
        // A sample more at the front, for the pre-emphasis; audio begins with the first of the five images.
        let lead = PICTURES as i64 / 2 * STEP_NS;
        let samples = ((HEARD - 1) * STEP + FRAME) as i64;
        let ns = |samples: i64| samples * 1_000_000_000 / i64::from(RATE);
        let (start, end) = (first * STEP_NS - lead - ns(1), last * STEP_NS - lead + ns(samples));
        let Some(audio) = job.audio.read(item, Some(track), start..end, RATE).map_err(StageError::Retry)? else {
            return Ok(None);
        };
        let sound = |step: &i64| {
            let begin = ((step - first) * STEP_NS * i64::from(RATE) / 1_000_000_000) as usize;
            let part = audio.samples.get(begin..).unwrap_or_default();
            let (before, part) = part.split_first().map_or((0.0, part), |(before, rest)| (*before, rest));
            let columns = self.mfcc.compute(before, &part[..part.len().min(samples as usize)], HEARD);
            (0..COEFFICIENTS).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
        };
        Ok(Some(steps.iter().map(sound).collect()))
    }

    /// Vectors of faces and of sounds. The model makes one of each per item, so both lists run side by side.
    fn embed(
        &self,
        batch: &Batch,
        settings: &SyncSettings,
        clips: &[Clip],
        sounds: &[Vec<f32>],
    ) -> Result<(Vectors, Vectors), PerceptionError> {
        let (mut faces, mut voices) = (Vec::new(), Vec::new());
        self.session.run_batches::<PerceptionError>(
            clips.len().max(sounds.len()),
            &[],
            |item, inputs| {
                let mut face = inputs.input::<f32>("face")?;
                match clips.get(item) {
                    Some(clip) => self.write(batch, settings, clip, face.as_slice_mut().unwrap_or_default())?,
                    None => face.fill(0.0),
                }
                let mut audio = inputs.input::<f32>("audio")?;
                match sounds.get(item) {
                    Some(sound) => audio.iter_mut().zip(sound).for_each(|(to, value)| *to = *value),
                    None => audio.fill(0.0),
                }
                Ok(())
            },
            |item, outputs| {
                let vector = |name| Ok::<Vec<f32>, InferError>(outputs.output::<f32>(name)?.iter().copied().collect());
                if item < clips.len() {
                    faces.push(vector("face_embedding")?);
                }
                if item < sounds.len() {
                    voices.push(vector("audio_embedding")?);
                }
                Ok(())
            },
        )?;
        Ok((faces, voices))
    }

    /// Writes the images of a clip: blue, green, red 0–255, channel by channel, each of five images.
    fn write(
        &self,
        batch: &Batch,
        settings: &SyncSettings,
        clip: &Clip,
        planes: &mut [f32],
    ) -> Result<(), PerceptionError> {
        let pixels = (self.side * self.side) as usize;
        for (number, picture) in clip.pictures.iter().enumerate() {
            let view = match FrameView::of(batch, settings.pictures.rendition(), *picture) {
                Err(PerceptionError::Absent(_)) => continue,
                view => view?,
            };
            let cut = crop(view.rgb(), clip.place, shrink(&view), self.side)?;
            let bytes = cut.data_bytes()?;
            for channel in 0..3 {
                let at = (channel * PICTURES + number) * pixels;
                let Some(plane) = planes.get_mut(at..at + pixels) else { continue };
                let values = bytes.iter().skip(2 - channel).step_by(3);
                plane.iter_mut().zip(values).for_each(|(to, byte)| *to = f32::from(*byte));
            }
        }
        Ok(())
    }
}

/// The crop around a face, `side` pixels wide.
fn crop(rgb: &impl ToInputArray, [x, y, half]: [f64; 3], shrink: f64, side: u32) -> Result<Mat, VisionError> {
    let reach = half * (1.0 + CROP) * shrink;
    let scale = f64::from(side) / (2.0 * reach);
    let (left, top) = (x * shrink - reach, (y + CROP * half) * shrink - reach);
    // OpenCV puts integer coordinates into the middle of pixels.
    let centre = (scale - 1.0) / 2.0;
    let place = Similarity { a: scale, b: 0.0, tx: centre - scale * left, ty: centre - scale * top };
    place.warp(rgb, (side, side), BORDER_CONSTANT, Scalar::all(OUTSIDE))
}

/// The faces of a frame that can be followed through five images.
fn clips(batch: &Batch, frame: u64) -> Vec<Clip> {
    let Some(pictures) = pictures(batch, frame) else { return Vec::new() };
    let clip = |(instance, face): (u32, &framefleet_frames::Face)| {
        let own = BBox::try_from(face.r#box.as_slice()).ok()?;
        let mut boxes = [own; PICTURES];
        let middle = PICTURES / 2;
        // From the middle outwards, each by its neighbour.
        let outwards = (0..middle).rev().map(|at| (at, at + 1)).chain((middle + 1..PICTURES).map(|at| (at, at - 1)));
        for (at, neighbour) in outwards {
            boxes[at] = nearest(batch, pictures[at], &boxes[neighbour])?;
        }
        let median = |value: fn(&BBox) -> f32| {
            let mut values = boxes.map(|bbox| f64::from(value(&bbox)));
            values.sort_by(f64::total_cmp);
            values[middle]
        };
        let half = median(|b| (b[2] - b[0]).max(b[3] - b[1])) / 2.0;
        let place = [median(|b| (b[0] + b[2]) / 2.0), median(|b| (b[1] + b[3]) / 2.0), half];
        (half > 0.0).then_some(Clip { frame, instance, pictures, place })
    };
    faces_of(batch, frame).into_iter().filter_map(clip).collect()
}

/// The face of a frame that overlaps most.
fn nearest(batch: &Batch, frame: u64, with: &BBox) -> Option<BBox> {
    let boxes = faces_of(batch, frame).into_iter().filter_map(|(_, face)| BBox::try_from(face.r#box.as_slice()).ok());
    let best = boxes.max_by(|a, b| iou(a, with).total_cmp(&iou(b, with)))?;
    (iou(&best, with) >= OVERLAP).then_some(best)
}

/// The frames nearest to two steps before, one before, …, two after; `None` when they lie outside the window.
fn pictures(batch: &Batch, frame: u64) -> Option<[u64; PICTURES]> {
    let now = batch.pts_ns(frame)?;
    let (from, to) = (frame.saturating_sub(HALO.before).max(batch.window().start), frame + HALO.after + 1);
    let times: Vec<(u64, i64)> =
        (from..to.min(batch.window().end)).filter_map(|number| Some((number, batch.pts_ns(number)?))).collect();
    let mut pictures = [frame; PICTURES];
    for (number, picture) in pictures.iter_mut().enumerate() {
        let wanted = now + (number as i64 - PICTURES as i64 / 2) * STEP_NS;
        let (nearest, ns) = times.iter().min_by_key(|(_, ns)| ns.abs_diff(wanted))?;
        if ns.abs_diff(wanted) > STEP_NS as u64 / 2 {
            return None;
        }
        *picture = *nearest;
    }
    Some(pictures)
}

/// The step that a clip's middle is nearest to.
fn step_of(batch: &Batch, clip: &Clip) -> Option<i64> {
    batch.pts_ns(clip.frame).map(|ns| (ns + STEP_NS / 2).div_euclid(STEP_NS))
}

/// The steps that a clip is compared with.
fn around(step: i64) -> std::ops::RangeInclusive<i64> {
    step - SHIFTS..=step + SHIFTS
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, Vec3b};

    #[test]
    fn crops_are_those_of_the_reference() {
        // Reference: rows y − s to y + 1.8 s, columns x − 1.4 s to x + 1.4 s, grey 110 outside.
        let mut picture = Mat::new_rows_cols_with_default(200, 200, CV_8UC3, Scalar::all(0.0)).unwrap();
        for (row, column) in [(50, 30), (189, 169)] {
            *picture.at_2d_mut::<Vec3b>(row, column).unwrap() = Vec3b::from([255; 3]);
        }
        let cut = crop(&picture, [100.0, 100.0, 50.0], 1.0, 140).unwrap();
        assert_eq!(cut.at_2d::<Vec3b>(0, 0).unwrap()[0], 255, "the first pixel is row 50, column 30");
        assert_eq!(cut.at_2d::<Vec3b>(139, 139).unwrap()[0], 255, "the last one is row 189, column 169");
        let edge = crop(&picture, [0.0, 100.0, 50.0], 1.0, 140).unwrap();
        assert_eq!(edge.at_2d::<Vec3b>(70, 3).unwrap()[0], 110);
        let half = crop(&picture, [200.0, 200.0, 100.0], 0.5, 140).unwrap();
        assert_eq!(half.at_2d::<Vec3b>(0, 0).unwrap()[0], 255, "boxes are of the full frame");
    }
}
