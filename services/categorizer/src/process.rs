//! The process half: embeddings, and nothing that words or thresholds change.
pub(crate) mod cutout;
pub(crate) mod instances;
use crate::half_floats::packed;
use crate::imagenet::{Classifier, Seen};
use crate::settings::Of;
use cutout::Cutout;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Embedding, Rendition};
use framefleet_perception::PerceptionError;
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::boxes::BBox;
use instances::Instance;

/// Bytes of pictures that wait for the model together.
const WAITING: usize = 64 << 20;

/// The rendition that is looked at: small instances have their detail in full frames alone.
pub fn rendition(of: Of) -> Rendition {
    if of == Of::Frame { Rendition::Proxy } else { Rendition::Full }
}

/// A picture that waits, and whose embedding it becomes.
struct Waiting {
    frame: u64,
    of: Option<u32>,
    place: BBox,
    picture: Cutout,
}

/// Embeds the frames of a batch, or the instances in them.
pub fn process(batch: &Batch, classifier: &Classifier, of: Of, out: &mut Outputs) -> Result<(), StageError> {
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for &number in batch.frames() {
        match pictures(batch, number, of) {
            Ok(found) => {
                bytes += found.iter().map(|one| one.picture.bytes()).sum::<usize>();
                waiting.extend(found);
            }
            Err(error) => error.settle(number, out)?,
        }
        if bytes >= WAITING {
            embed(&std::mem::take(&mut waiting), classifier, out)?;
            bytes = 0;
        }
    }
    embed(&waiting, classifier, out)
}

/// The pictures of a frame. An instance without a pixel in the frame has none.
fn pictures(batch: &Batch, number: u64, of: Of) -> Result<Vec<Waiting>, PerceptionError> {
    let rendition = rendition(of);
    let frame = batch.frame(rendition, number).ok_or(PerceptionError::Absent(rendition))?;
    let size = batch.frame_size(number);
    if of == Of::Frame {
        let (width, height) = size;
        let picture = Cutout::of_frame(&frame.image)?;
        let place = [0.0, 0.0, width as f32, height as f32];
        return Ok(vec![Waiting { frame: number, of: None, place, picture }]);
    }
    let rgb = cutout::over_grey(&frame.image)?;
    let mut found = Vec::new();
    for instance in instances::of_frame(batch, number, of)? {
        let Instance { number: of, place, .. } = instance;
        if let Some(picture) = Cutout::of_instance(&rgb, size, &instance)? {
            found.push(Waiting { frame: number, of: Some(of), place, picture });
        }
    }
    Ok(found)
}

/// Embeds pictures and writes what they became.
fn embed(waiting: &[Waiting], classifier: &Classifier, out: &mut Outputs) -> Result<(), StageError> {
    let pictures: Vec<&Cutout> = waiting.iter().map(|one| &one.picture).collect();
    let seen = classifier.see(&pictures)?;
    for (Waiting { frame, of, place, .. }, Seen { vector, classes }) in waiting.iter().zip(seen) {
        let embedding = Embedding {
            of: *of,
            r#box: place.to_vec(),
            vector: packed(vector).into(),
            classes: packed(classes).into(),
            ..Embedding::default()
        };
        let value = Some(Value::Embedding(embedding));
        out.annotate(*frame, Annotation { instance: of.unwrap_or_default(), value });
    }
    Ok(())
}
