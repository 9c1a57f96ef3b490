//! The half of the stage that looks at pixels: the mouth of every face.
use crate::lip_sync::LipSync;
use crate::mesh::{Lips, MeshNetwork};
use crate::mouth::mouth;
use crate::picture::rgb;
use crate::region::Region;
use crate::settings::SyncSettings;
use framefleet_infer::InferError;
use framefleet_media::annotation::Value;
use framefleet_media::{Annotation, Face, Frame, ItemKind, Kind};
use framefleet_stage::{Batch, Job, Outputs, StageError};
use framefleet_vision::VisionError;
use std::sync::LazyLock;

/// Rule under which stills are skipped: nothing is heard with them.
pub const STILL: &str = "still";

/// A face that is looked at.
struct Seen<'b> {
    frame: &'b Frame,
    face: &'b Face,
    instance: u32,
    region: Region,
    shrink: f64,
}

/// Networks or OpenCV failed: both are the machine's failure, since frames and boxes were checked before.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Infer(#[from] InferError),
    #[error(transparent)]
    Vision(#[from] VisionError),
    #[error("OpenCV: {0}")]
    OpenCv(#[from] opencv::Error),
}

/// Measures the mouths of the faces of a batch; with a lip-sync network, also keeps its distances for finish.
pub fn process(
    job: &Job,
    batch: &Batch,
    mesh: &MeshNetwork,
    network: Option<&LipSync>,
    settings: &SyncSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    if batch.item().kind() == ItemKind::Stills {
        batch.frames().iter().for_each(|frame| out.skip(*frame, STILL));
        return Ok(());
    }
    let mut seen = Vec::new();
    for &number in batch.frames() {
        match batch.frame(settings.pictures.rendition(), number) {
            Some(frame) => seen.extend(faces(batch, frame, mesh.side(), settings)),
            None => out.fail(number, "absent", "the frame's picture is not there"),
        }
    }
    let mut lips: Vec<Lips> = Vec::with_capacity(seen.len());
    let cut = |item: usize| Ok::<_, LookError>(seen[item].region.cut(&rgb(&seen[item].frame.image)?)?);
    mesh.run(seen.len(), cut, |_, found| lips.push(found)).map_err(StageError::retry)?;
    for (seen, lips) in seen.iter().zip(&lips) {
        let mouth = mouth(seen.face, seen.instance, lips, &seen.region, seen.shrink);
        out.annotate(seen.frame.number, Annotation { instance: seen.instance, value: Some(Value::Mouth(mouth)) });
    }
    match network {
        Some(network) => network.process(job, batch, settings, out),
        None => Ok(()),
    }
}

/// The faces of a frame that are large enough.
fn faces<'b>(batch: &'b Batch, frame: &'b Frame, side: u32, settings: &SyncSettings) -> Vec<Seen<'b>> {
    let shrink = shrink(batch, frame);
    let seen = |(instance, face): (u32, &'b Face)| {
        let [x0, y0, x1, y1] = <[f32; 4]>::try_from(face.r#box.as_slice()).ok()?;
        let longer = f64::from((x1 - x0).max(y1 - y0)) * shrink;
        let region = Region::new(face, side, shrink).filter(|_| longer >= f64::from(settings.min_face))?;
        Some(Seen { frame, face, instance, region, shrink })
    };
    faces_of(batch, frame.number).into_iter().filter_map(seen).collect()
}

/// Pixels of a picture per pixel of the full frame.
pub fn shrink(batch: &Batch, frame: &Frame) -> f64 {
    let (width, height) = batch.frame_size(frame.number);
    let full = width.max(height);
    let picture = frame.image.width().max(frame.image.height());
    if full == 0 { 1.0 } else { f64::from(picture) / f64::from(full) }
}

/// The faces of a frame and their instances.
pub fn faces_of(batch: &Batch, number: u64) -> Vec<(u32, &Face)> {
    static FACE: LazyLock<Kind> = LazyLock::new(|| Kind::new("face"));
    let faces = batch.annotations(number, &FACE).filter_map(|annotation| match &annotation.value {
        Some(Value::Face(face)) => Some((annotation.instance, face)),
        _ => None,
    });
    faces.collect()
}
