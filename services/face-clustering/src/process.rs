//! The process half of the stage: faces of a batch, their embeddings and quality.
use crate::face::crops;
use crate::face::detection::Detector;
use crate::face::embedding::{self, Embedder, Embedding};
use crate::face::observation::Observation;
use crate::face::quality::quality;
use crate::settings::FaceClusteringSettings;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Face, Rendition};
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::{Batch, Outputs, StageError};
use opencv::core::Mat;

/// Finds, aligns and embeds the faces of a batch.
pub fn process(
    batch: &Batch,
    detector: &Detector,
    embedder: &Embedder,
    settings: &FaceClusteringSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut seen: Vec<Observation> = Vec::new();
    for &number in batch.frames() {
        let found = FrameView::of(batch, searched(settings), number).and_then(|view| faces(&view, detector, settings));
        match found {
            Ok(found) => seen.extend(found),
            Err(error) => error.settle(number, out)?,
        }
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

/// The faces of a frame, from left to right.
fn faces(
    view: &FrameView<'_>,
    detector: &Detector,
    settings: &FaceClusteringSettings,
) -> Result<Vec<Observation>, PerceptionError> {
    let mut found = detector.detect(view.rgb(), settings.small_faces, settings)?;
    found.sort_by(|a, b| a.bbox[0].total_cmp(&b.bbox[0]).then(a.bbox[1].total_cmp(&b.bbox[1])));
    let seen = (0..).zip(found).map(|(instance, found)| {
        let aligned = embedding::align(view.rgb(), &found.landmarks)?;
        Ok(Observation { frame: view.number(), instance, found, scale: view.scale(), aligned })
    });
    seen.collect()
}

/// A face as records have it.
fn published(seen: &Observation, embedding: Embedding) -> Result<Face, PerceptionError> {
    let [across, down] = seen.scale;
    let [x0, y0, x1, y1] = seen.found.bbox;
    let quality = match &seen.aligned {
        Some(aligned) => Some(quality(&seen.found, aligned, embedding.norm)?),
        None => None,
    };
    Ok(Face {
        r#box: vec![x0 * across, y0 * down, x1 * across, y1 * down],
        landmarks: seen.found.landmarks.iter().flat_map(|[x, y]| [x * across, y * down]).collect(),
        score: seen.found.score,
        quality,
        embedding: embedding.vector,
        ..Face::default()
    })
}
