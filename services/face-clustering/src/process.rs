//! The half of the stage that looks at pixels: faces of a batch, their embeddings and quality.
use crate::crops;
use crate::detection::{Detector, Found};
use crate::embedding::{self, Embedder, Embedding};
use crate::picture::{Picture, Unusable, picture};
use crate::quality::quality;
use crate::settings::FaceClusteringSettings;
use framefleet_media::annotation::Value;
use framefleet_media::{Annotation, Face, Rendition};
use framefleet_stage::{Batch, Outputs, StageError};
use opencv::core::Mat;

/// A face of the batch.
pub struct Seen {
    /// The frame.
    pub frame: u64,
    /// Its number in the frame.
    pub instance: u32,
    /// Where it is, in pixels of the picture it was found in.
    pub found: Found,
    /// Pixels of the full frame per pixel of that picture.
    pub scale: [f32; 2],
    /// The face in the position that networks expect; `None` when its landmarks allow none.
    pub aligned: Option<Mat>,
}

/// Finds, aligns and embeds the faces of a batch.
pub fn process(
    batch: &Batch,
    detector: &Detector,
    embedder: &Embedder,
    settings: &FaceClusteringSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut seen: Vec<Seen> = Vec::new();
    for &number in batch.frames() {
        match picture(batch, searched(settings), number) {
            Ok(picture) => seen.extend(faces(number, &picture, detector, settings)?),
            Err(Unusable(code, reason)) => out.fail(number, code, reason),
        }
    }
    let aligned: Vec<&Mat> = seen.iter().filter_map(|face| face.aligned.as_ref()).collect();
    let mut embeddings = embedder.embed(&aligned)?.into_iter();
    let mut made: Vec<(Seen, Face)> = Vec::with_capacity(seen.len());
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

/// The faces of a picture, from left to right.
fn faces(
    frame: u64,
    picture: &Picture,
    detector: &Detector,
    settings: &FaceClusteringSettings,
) -> Result<Vec<Seen>, StageError> {
    let mut found = detector.detect(&picture.rgb, settings.small_faces, settings)?;
    found.sort_by(|a, b| a.corners[0].total_cmp(&b.corners[0]).then(a.corners[1].total_cmp(&b.corners[1])));
    let seen = (0..).zip(found).map(|(instance, found)| {
        let aligned = embedding::align(&picture.rgb, &found.landmarks).map_err(StageError::bad_input)?;
        Ok(Seen { frame, instance, found, scale: picture.scale, aligned })
    });
    seen.collect()
}

/// A face as records have it.
fn published(seen: &Seen, embedding: Embedding) -> Result<Face, StageError> {
    let [across, down] = seen.scale;
    let [x0, y0, x1, y1] = seen.found.corners;
    let quality = match &seen.aligned {
        Some(aligned) => Some(quality(&seen.found, aligned, embedding.norm).map_err(StageError::bad_input)?),
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
