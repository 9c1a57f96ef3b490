//! The half of the stage that makes frames.
use crate::mask::hole::{Hole, expanded};
use crate::patch::Patch;
use crate::plate;
use crate::residual::lama::Lama;
use crate::residual::telea;
use crate::ring::Differences;
use crate::settings::{InpaintingSettings, Rest};
use crate::sources::context::{Context, pixels};
use crate::sources::fill::{Coverage, SourceFrame, from_sources};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Fill, FillReference, FillRest, Frame, Image, Rendition};
use framefleet_perception::{ChosenMasks, PerceptionError};
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::VisionError;
use opencv::core::{Mat, Rect};
use opencv::prelude::*;

/// Pixels around a hole that fillings read.
const MARGIN: i32 = 8;

/// A frame cannot be filled.
enum Problem {
    /// The frame or the machine is to blame.
    Perception(PerceptionError),
    /// Nothing is left to fill from.
    AllHole,
}

impl<E: Into<PerceptionError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Perception(error.into())
    }
}

/// Fills the holes of a batch's frames.
pub fn process(
    batch: &Batch,
    settings: &InpaintingSettings,
    choice: &ChosenMasks,
    lama: Option<&Lama>,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut context = Context::new(batch, settings, choice);
    for &number in batch.frames() {
        let Some(frame) = context.frame(number) else {
            PerceptionError::Absent(Rendition::Full).settle(number, out)?;
            continue;
        };
        match filled(&mut context, frame, settings, lama) {
            Ok(Filled { image, fill, plate }) => {
                if let Some(plate) = plate {
                    plate::attach(number, &plate, out)?;
                }
                out.frame(Frame { number, pts_ns: frame.pts_ns, image });
                out.annotate(number, Annotation { instance: 0, value: Some(Value::Fill(fill)) });
            }
            Err(Problem::Perception(error)) => error.settle(number, out)?,
            Err(Problem::AllHole) => {
                out.fail(
                    number,
                    "all-hole",
                    "the masks cover the whole frame, and no other frame shows what they hide",
                );
            }
        }
    }
    Ok(())
}

/// What became of a frame.
struct Filled {
    image: Image,
    fill: Fill,
    /// The background with what is known of it, when a clean plate is to be made of it.
    plate: Option<Mat>,
}

fn filled(
    context: &mut Context<'_>,
    frame: &Frame,
    settings: &InpaintingSettings,
    lama: Option<&Lama>,
) -> Result<Filled, Problem> {
    let hole = context.hole(frame)?;
    let wanted = settings.clean_plate && plate::wants(frame.number);
    let Some(hole) = hole else {
        let plate = if wanted { Some(plate::picture(&frame.image, None)?) } else { None };
        let fill = Fill { rest: FillRest::NotNeeded.into(), ..Fill::default() };
        return Ok(Filled { image: frame.image.clone(), fill, plate });
    };
    let size = (frame.image.width(), frame.image.height());
    let (sources, scale) = (sources(context, frame, settings)?, context.scale(frame)?);
    let (mut bytes, mut covered, mut differences) =
        (frame.image.data().to_vec(), Coverage::default(), Differences::default());
    let mut rest = FillRest::NotNeeded;
    let feather = pixels(settings.feather_percent, size);
    let together = lama.map_or(Ok(1), Lama::at_a_time)?;
    for parts in hole.parts(feather.ceil() as i32 + 1 + MARGIN, size)?.chunks(together) {
        let mut patches = Vec::with_capacity(parts.len());
        for part in parts {
            let (area, shown) = shown(part, feather, size)?;
            let mut patch = Patch::of(&frame.image, area);
            from_sources(&mut patch, &shown, &sources, scale, settings.blend, &mut covered)?;
            patches.push((patch, shown));
        }
        let unknown = patches.iter_mut().map(|(patch, _)| patch).filter(|patch| patch.has_unknown());
        let mut unknown: Vec<&mut Patch> = unknown.collect();
        if !unknown.is_empty() {
            rest = fill_rest(&frame.image, &hole, &mut unknown, settings, lama)?;
        }
        for (patch, shown) in &patches {
            differences.add(&frame.image, patch, shown);
            patch.lay_into(&mut bytes, size.0, shown);
        }
    }
    let image = Image::new(frame.image.format(), size.0, size.1, bytes)
        .map_err(|_| VisionError::Empty { width: size.0, height: size.1 })?;
    let plate = if wanted { Some(plate::picture(&image, Some(&hole))?) } else { None };
    let fill = Fill {
        hole_pixels: hole.pixels,
        real_share: Some(covered.by_any as f32 / hole.pixels.max(1) as f32),
        references: references(&sources, &covered, hole.pixels),
        ring_difference: differences.mean(),
        rest: rest.into(),
    };
    Ok(Filled { image, fill, plate })
}

/// The area that is worked on, and how much of the filling shows in it, row by row.
fn shown(hole: &Hole, feather: f64, size: (u32, u32)) -> opencv::Result<(Rect, Vec<f32>)> {
    let (inner, feathered) = hole.feathered(feather, size)?;
    let area = expanded(inner, MARGIN, size);
    let mut whole = Mat::new_rows_cols_with_default(area.height, area.width, opencv::core::CV_32FC1, 0.0.into())?;
    let inside = Rect::new(inner.x - area.x, inner.y - area.y, inner.width, inner.height);
    feathered.copy_to(&mut whole.roi_mut(inside)?)?;
    Ok((area, whole.data_typed::<f32>()?.to_vec()))
}

/// The frames that show what the hole hides, with their pixels.
fn sources<'a>(
    context: &mut Context<'a>,
    frame: &Frame,
    settings: &InpaintingSettings,
) -> Result<Vec<SourceFrame<'a>>, Problem> {
    let references = if settings.window > 0 { context.references(frame)? } else { Vec::new() };
    let mut sources = Vec::with_capacity(references.len());
    for reference in references {
        let Some(source) = context.frame(reference.number) else { continue };
        sources.push(SourceFrame { reference, image: &source.image, hole: context.hole(source)? });
    }
    Ok(sources)
}

/// What the frame has of which other.
fn references(sources: &[SourceFrame<'_>], covered: &Coverage, hole: u64) -> Vec<FillReference> {
    let used = sources.iter().zip(&covered.by_source).filter(|(_, pixels)| **pixels > 0);
    used.map(|(source, pixels)| FillReference {
        frame: source.reference.number,
        valid_share: *pixels as f32 / hole.max(1) as f32,
        residual: source.reference.residual,
    })
    .collect()
}

/// Fills what no frame shows.
fn fill_rest(
    image: &Image,
    hole: &Hole,
    patches: &mut [&mut Patch],
    settings: &InpaintingSettings,
    lama: Option<&Lama>,
) -> Result<FillRest, Problem> {
    let nothing_known = |patch: &&mut Patch| patch.unknown.iter().all(|unknown| *unknown);
    if settings.rest != Rest::None && patches.iter().any(nothing_known) {
        return Err(Problem::AllHole);
    }
    match (settings.rest, lama) {
        (Rest::Lama, Some(lama)) => {
            lama.fill(image, hole, patches)?;
            Ok(FillRest::Lama)
        }
        (Rest::None, _) => Ok(FillRest::None),
        _ => {
            patches.iter_mut().try_for_each(|patch| telea::fill(patch))?;
            Ok(FillRest::Telea)
        }
    }
}
