//! The process half of the stage: faces of a batch, their embeddings and quality.
use crate::face::crops;
use crate::face::detection::{Detection, Detector, Turn};
use crate::face::embedding::{self, Embedder, Embedding};
use crate::face::observation::Observation;
use crate::face::quality::quality;
use crate::settings::FaceClusteringSettings;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Face, ItemKind, Rendition};
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::boxes;
use opencv::core::Mat;

/// Frames that are searched together: what is converted of them for that is in memory at the same time.
const FRAMES: usize = 16;

/// Finds, aligns and embeds the faces of a batch.
pub fn process(
    batch: &Batch,
    detector: &Detector,
    embedder: &Embedder,
    settings: &FaceClusteringSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut seen: Vec<Observation> = Vec::new();
    let mut search = Search::of(batch, detector, settings);
    for numbers in batch.frames().chunks(FRAMES) {
        let mut views = Vec::with_capacity(numbers.len());
        for &number in numbers {
            views.extend(FrameView::or_fail(batch, searched(settings), number, out)?);
        }
        seen.extend(search.faces(&views)?);
    }
    let aligned: Vec<&Mat> = seen.iter().filter_map(|face| face.aligned.as_ref()).collect();
    let mut embeddings = embedder.embed(&aligned)?.into_iter();
    let mut made: Vec<(Observation, Face)> = Vec::with_capacity(seen.len());
    for one in seen {
        let embedding = one.aligned.as_ref().and_then(|_| embeddings.next()).unwrap_or_default();
        let face = published(&one, embedding)?;
        made.push((one, face));
    }
    crops::attach(batch, searched(settings), &made, out)?;
    for (one, face) in made {
        out.annotate(one.frame, Annotation { instance: one.instance, value: Some(Value::Face(face)) });
    }
    Ok(())
}

/// The rendition that faces are found in and embedded from.
fn searched(settings: &FaceClusteringSettings) -> Rendition {
    if settings.small_faces { Rendition::Full } else { Rendition::Proxy }
}

/// How the frames of a batch are searched.
struct Search<'a> {
    detector: &'a Detector,
    settings: &'a FaceClusteringSettings,
    is_stills: bool,
    /// Turns that are tried where no face stands upright: all of them for stills and the first frame of a film's batch, then
    /// the one that showed a face.
    turns: Vec<Turn>,
}

impl<'a> Search<'a> {
    fn of(batch: &Batch, detector: &'a Detector, settings: &'a FaceClusteringSettings) -> Self {
        let turns = if settings.turned { Turn::ALL.to_vec() } else { Vec::new() };
        Self { detector, settings, is_stills: batch.item().kind() == ItemKind::Stills, turns }
    }

    /// The faces of frames, from left to right in each.
    fn faces(&mut self, views: &[FrameView<'_>]) -> Result<Vec<Observation>, PerceptionError> {
        let images: Vec<_> = views.iter().map(FrameView::rgb).collect();
        let found = self.detector.detect(&images, self.settings.small_faces, self.settings)?;
        let mut seen = Vec::new();
        for (view, mut found) in views.iter().zip(found) {
            self.search_turned(view, &mut found)?;
            found.sort_by(|a, b| a.bbox[0].total_cmp(&b.bbox[0]).then(a.bbox[1].total_cmp(&b.bbox[1])));
            for (instance, found) in (0..).zip(found) {
                let aligned = embedding::align(view.rgb(), &found.landmarks)?;
                let place = view.box_in_full(found.bbox);
                seen.push(Observation { frame: view.number(), instance, found, place, scale: view.scale(), aligned });
            }
        }
        Ok(seen)
    }

    /// Searches a frame without an upright face turned. One frame after the other: which turns are tried depends on the frames before,
    /// and turned images are as large as frames.
    fn search_turned(&mut self, view: &FrameView<'_>, found: &mut Vec<Detection>) -> Result<(), PerceptionError> {
        if !found.iter().any(is_confirmed) {
            let turned = self.turned(view)?;
            let overlaps = |face: &Detection| turned.iter().any(|other| boxes::iou(&face.bbox, &other.bbox) > 0.0);
            found.retain(|face| !overlaps(face));
            found.extend(turned);
        } else if !self.is_stills {
            self.turns.clear();
        }
        Ok(())
    }

    /// The faces of a frame that lies on its side or upside down: those of the turn that has most of them, by the sum of what
    /// they are confirmed by.
    fn turned(&mut self, view: &FrameView<'_>) -> Result<Vec<Detection>, PerceptionError> {
        let mut best: (f32, Option<Turn>, Vec<Detection>) = (0.0, None, Vec::new());
        let found = self.detector.detect_turned(view.rgb(), &self.turns, self.settings.small_faces, self.settings)?;
        for (turn, mut faces) in self.turns.iter().zip(found) {
            faces.retain(is_confirmed);
            let sum = faces.iter().map(|face| face.confirmed).sum();
            if sum > best.0 {
                best = (sum, Some(*turn), faces);
            }
        }
        if !self.is_stills {
            self.turns.retain(|turn| Some(*turn) == best.1);
        }
        Ok(best.2)
    }
}

/// Whether a second look found the face again.
fn is_confirmed(face: &Detection) -> bool {
    /// The lowest that counts.
    const CONFIRMED: f32 = 0.7;
    face.confirmed >= CONFIRMED
}

/// A face as records have it.
fn published(seen: &Observation, embedding: Embedding) -> Result<Face, PerceptionError> {
    let [across, down] = seen.scale;
    let quality = match &seen.aligned {
        Some(aligned) => Some(quality(&seen.found, aligned, embedding.norm)?),
        None => None,
    };
    Ok(Face {
        r#box: seen.place.to_vec(),
        landmarks: seen.found.landmarks.iter().flat_map(|[x, y]| [x * across, y * down]).collect(),
        score: seen.found.score,
        quality,
        embedding: embedding.vector,
        ..Face::default()
    })
}
