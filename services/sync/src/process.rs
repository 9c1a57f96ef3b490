//! The process half of the stage: the mouth of every face.
use crate::lip_sync::LipSync;
use crate::mouth::faces::{faces_of, shrink};
use crate::mouth::mesh::{FaceMesh, Lips};
use crate::mouth::mouth;
use crate::mouth::region::Region;
use crate::settings::SyncSettings;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Face, ItemKind};
use framefleet_perception::FrameView;
use framefleet_stage::{Batch, Job, Outputs, StageError};

/// Rule under which stills are skipped: nothing is heard with them.
pub const STILL: &str = "still";

/// A face of the input.
struct FaceView<'b> {
    view: &'b FrameView<'b>,
    face: &'b Face,
    instance: u32,
    region: Region,
    shrink: f64,
}

/// Measures the mouths of the faces of a batch; with a lip-sync model, also keeps its distances for finish.
pub fn process(
    job: &Job,
    batch: &Batch,
    mesh: &FaceMesh,
    model: Option<&LipSync>,
    settings: &SyncSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    if batch.item().kind() == ItemKind::Stills {
        batch.frames().iter().for_each(|frame| out.skip(*frame, STILL));
        return Ok(());
    }
    let mut views = Vec::with_capacity(batch.frames().len());
    for &number in batch.frames() {
        views.extend(FrameView::or_fail(batch, settings.pictures.rendition(), number, out)?);
    }
    let seen: Vec<FaceView<'_>> = views.iter().flat_map(|view| faces(batch, view, mesh.side(), settings)).collect();
    let mut lips: Vec<Lips> = Vec::with_capacity(seen.len());
    mesh.run(seen.len(), |item| Ok(seen[item].region.cut(seen[item].view.rgb())?), |_, found| lips.push(found))?;
    for (seen, lips) in seen.iter().zip(&lips) {
        let mouth = mouth(seen.face, seen.instance, lips, &seen.region, seen.shrink);
        out.annotate(seen.view.number(), Annotation { instance: seen.instance, value: Some(Value::Mouth(mouth)) });
    }
    match model {
        Some(model) => model.process(job, batch, settings, out),
        None => Ok(()),
    }
}

/// The faces of a frame that are large enough.
fn faces<'b>(batch: &'b Batch, view: &'b FrameView<'b>, side: u32, settings: &SyncSettings) -> Vec<FaceView<'b>> {
    let shrink = shrink(view);
    let seen = |(instance, face): (u32, &'b Face)| {
        let [x0, y0, x1, y1] = <[f32; 4]>::try_from(face.r#box.as_slice()).ok()?;
        let longer = f64::from((x1 - x0).max(y1 - y0)) * shrink;
        let region = Region::new(face, side, shrink).filter(|_| longer >= f64::from(settings.min_face))?;
        Some(FaceView { view, face, instance, region, shrink })
    };
    faces_of(batch, view.number()).into_iter().filter_map(seen).collect()
}
