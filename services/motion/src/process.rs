//! The half of the stage that looks at pixels: every frame against the one before it.
use crate::change::{change, same_size};
use crate::compare::{Comparison, Footage, compare};
use crate::field::{DenseFlow, Sample, Scale};
use crate::picture;
use crate::prepare::{Prepared, prepare};
use crate::settings::MotionSettings;
use crate::trace::{self, TRACE};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Item, ItemKind, Motion, MotionTrace, MotionTraceFrame, Rendition};
use framefleet_perception::{Blame, PerceptionError};
use framefleet_stage::{Batch, Outputs, StageError};
use opencv::core::Mat;
use opencv::prelude::*;
use std::io::Write;

/// Rule under which stills are skipped: pictures that have nothing to do with each other do not move.
pub const STILL: &str = "still";
/// Frame rate where neither timestamps nor the item know better.
const USUAL_RATE: f64 = 25.0;

/// Compares the frames of a batch with their predecessors.
pub fn process(batch: &Batch, settings: &MotionSettings, out: &mut Outputs) -> Result<(), StageError> {
    if batch.item().kind() == ItemKind::Stills {
        batch.frames().iter().for_each(|frame| out.skip(*frame, STILL));
        return Ok(());
    }
    let mut traces = MotionTrace::default();
    let mut dense = DenseFlow::new(settings).map_err(StageError::retry)?;
    let mut latest: Option<Prepared> = None;
    for &number in batch.frames() {
        let Some(current) = prepared(batch, number, settings, out)? else {
            continue;
        };
        let previous = match latest.take() {
            Some(latest) if latest.number + 1 == number => Some(latest),
            _ => predecessor(batch, number, settings)?,
        };
        match compared(batch, &mut dense, previous.as_ref(), &current, settings) {
            Ok(comparison) => traces.frames.push(publish(batch, comparison, &current, settings, out)?),
            Err(error) => PerceptionError::from(error).settle(number, out)?,
        }
        latest = Some(current);
    }
    if !traces.frames.is_empty() {
        let file = out.attach(TRACE).map_err(StageError::retry)?;
        file.write_all(&trace::encode(&traces)).map_err(StageError::retry)?;
    }
    Ok(())
}

/// A frame of the batch, prepared; `None` when it failed, which is noted.
fn prepared(
    batch: &Batch,
    number: u64,
    settings: &MotionSettings,
    out: &mut Outputs,
) -> Result<Option<Prepared>, StageError> {
    let proxy = batch.frame(Rendition::Proxy, number).ok_or(PerceptionError::Absent(Rendition::Proxy));
    match proxy.and_then(|proxy| Ok(prepare(proxy, settings)?)) {
        Ok(prepared) => Ok(Some(prepared)),
        Err(error) => error.settle(number, out).map(|()| None),
    }
}

/// The frame before `number`, prepared; `None` at the item's edge, when it is absent, and when it cannot be read: then there
/// is nothing to compare with.
fn predecessor(batch: &Batch, number: u64, settings: &MotionSettings) -> Result<Option<Prepared>, StageError> {
    let Some(frame) = number.checked_sub(1).and_then(|before| batch.frame(Rendition::Proxy, before)) else {
        return Ok(None);
    };
    match prepare(frame, settings).map_err(|error| PerceptionError::from(error).blame()) {
        Ok(prepared) => Ok(Some(prepared)),
        Err(Blame::Machine(error)) => Err(error),
        Err(Blame::Frame(..)) => Ok(None),
    }
}

/// What comparing two frames gives; without a predecessor, or when flow makes no sense, what the frame says alone.
fn compared(
    batch: &Batch,
    dense: &mut DenseFlow,
    previous: Option<&Prepared>,
    current: &Prepared,
    settings: &MotionSettings,
) -> opencv::Result<Comparison> {
    let change = change(previous, current)?;
    let comparable = |previous: &&Prepared| current.has_flow() && same_size(&previous.grey, &current.grey);
    let mut comparison = match previous.filter(comparable) {
        Some(previous) => {
            let scale = Scale::new(batch.frame_size(current.number), &current.grey);
            compare(dense, previous, current, footage(batch, current, scale), scale, settings)?
        }
        None => Comparison { motion: Motion::default(), flow: None, links: Vec::new() },
    };
    comparison.motion.change = Some(change);
    Ok(comparison)
}

/// The full frame behind an analysed one, and the time since its predecessor.
fn footage(batch: &Batch, current: &Prepared, scale: Scale) -> Footage {
    Footage {
        width: f64::from(current.grey.cols()) * scale.x,
        height: f64::from(current.grey.rows()) * scale.y,
        seconds: seconds_since_previous(batch, current.number),
    }
}

/// Seconds from the previous frame to this one, by timestamps, else by the item's frame rate.
fn seconds_since_previous(batch: &Batch, number: u64) -> f64 {
    let times = number.checked_sub(1).and_then(|before| batch.pts_ns(before)).zip(batch.pts_ns(number));
    match times {
        Some((before, now)) if now > before => (now - before) as f64 / 1e9,
        _ => 1.0 / frame_rate(batch.item()),
    }
}

/// Frames per second of an item, by its headers.
fn frame_rate(item: &Item) -> f64 {
    match &item.frame_rate {
        Some(rate) if rate.num > 0 && rate.den > 0 => rate.num as f64 / rate.den as f64,
        _ => USUAL_RATE,
    }
}

/// Writes what a comparison gave; returns what finish needs of it.
fn publish(
    batch: &Batch,
    comparison: Comparison,
    current: &Prepared,
    settings: &MotionSettings,
    out: &mut Outputs,
) -> Result<MotionTraceFrame, StageError> {
    let number = current.number;
    if let Some(flow) = &comparison.flow {
        write_flow(flow, number, Scale::new(batch.frame_size(current.number), &current.grey), settings, out)?;
    }
    out.annotate(number, Annotation { instance: 0, value: Some(Value::Motion(comparison.motion)) });
    let links: &[Sample] = if settings.trajectories > 0 { &comparison.links } else { &[] };
    Ok(trace::frame(number, current.kept.clone(), links))
}

/// Writes the flow files that the settings ask for.
fn write_flow(
    flow: &Mat,
    number: u64,
    scale: Scale,
    settings: &MotionSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    if settings.flow_pictures_every > 0 && number.is_multiple_of(settings.flow_pictures_every) {
        let full = settings.flow_picture_percent / 100.0 * f64::from(flow.cols());
        let bytes = picture::flow_png(flow, full).map_err(StageError::bad_input)?;
        let file = out.frame_artifact(number, "flow_*.png").map_err(StageError::retry)?;
        file.write_all(&bytes).map_err(StageError::retry)?;
    }
    if settings.flow_files {
        let file = out.frame_artifact(number, "flow_*.flo").map_err(StageError::retry)?;
        picture::write_flo(flow, scale, file).map_err(StageError::retry)?;
    }
    Ok(())
}
