//! The half of the stage that sees all frames: shots, actions, trajectories and statistics.
use crate::actions::actions;
use crate::camera_path::camera_path;
use crate::series::{FrameFacts, Series, for_each_item};
use crate::settings::MotionSettings;
use crate::shots::{Span, shots};
use crate::summary::Totals;
use crate::trace;
use crate::trajectories::{Joiner, Path};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, CameraLabel, FrameRange, Item, ScopedAnnotation, Shot};
use framefleet_stage::{Job, Outputs, Records, StageError};
use serde_json::Value as Json;

/// Sums up all items, one at a time.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    settings: &MotionSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut totals = Totals::default();
    for_each_item(records, job, |series| {
        totals.add_frames(&series.frames);
        let spans = shots(&series.frames, settings);
        for (number, span) in (0..).zip(&spans) {
            finish_shot(&series, span, number, settings, &mut totals, out);
        }
        if settings.actions {
            finish_actions(&series, &spans, &mut totals, out);
        }
        if settings.trajectories > 0 {
            finish_trajectories(job.item(&series.item), &series, &spans, settings, &mut totals, out)?;
        }
        Ok(())
    })?;
    if let Ok(Json::Object(statistics)) = serde_json::to_value(totals.summary()) {
        out.statistics(&statistics);
    }
    Ok(())
}

/// Writes a shot.
fn finish_shot(
    series: &Series,
    span: &Span,
    number: u32,
    settings: &MotionSettings,
    totals: &mut Totals,
    out: &mut Outputs,
) {
    let frames = &series.frames[span.frames.clone()];
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return;
    };
    let end_ns =
        series.frames.get(span.frames.end).map_or_else(|| last.pts_ns + frame_ns(&series.frames), |next| next.pts_ns);
    let path = camera_path(frames, settings);
    let mixed = mixed(series, span);
    let shot = Shot {
        number,
        transition: span.transition.into(),
        exact: span.exact,
        start_ns: first.pts_ns,
        end_ns,
        frames: frames.len() as u64,
        magnitude_mean: mean_magnitude(frames),
        camera: path.map_or(CameraLabel::Unspecified, |path| path.label).into(),
        path_dx_percent: path.map(|path| path.dx as f32),
        path_dy_percent: path.map(|path| path.dy as f32),
        path_length_percent: path.map(|path| path.length as f32),
        path_zoom: path.map(|path| path.zoom as f32),
        path_roll: path.map(|path| path.roll as f32),
        shake: path.and_then(|path| path.shake).map(|share| share as f32),
        transition_start: mixed.map(|(start, _)| start),
        transition_end: mixed.map(|(_, end)| end),
    };
    totals.add_shot(&shot);
    let range = FrameRange { start: first.number, end: end_of(series, span) };
    out.annotate_scope(scoped(&series.item, range, number, Value::Shot(shot)));
}

/// Numbers of the first frame that shows two shots and of the one after the last; `None` after a cut.
fn mixed(series: &Series, span: &Span) -> Option<(u64, u64)> {
    let first = series.frames.get(span.mixed.start)?;
    let last = span.mixed.end.checked_sub(1).and_then(|last| series.frames.get(last))?;
    (!span.mixed.is_empty()).then_some((first.number, last.number + 1))
}

/// Number of the frame after a shot: where the next one begins, so that missing frames belong to a shot too.
fn end_of(series: &Series, span: &Span) -> u64 {
    let next = series.frames.get(span.frames.end).map(|next| next.number);
    next.unwrap_or_else(|| series.frames[span.frames.end - 1].number + 1)
}

/// Writes the actions of an item, shot by shot.
fn finish_actions(series: &Series, spans: &[Span], totals: &mut Totals, out: &mut Outputs) {
    let all = spans.iter().flat_map(|span| actions(&series.frames[span.frames.clone()], end_of(series, span)));
    for (instance, (range, action)) in (0..).zip(all) {
        totals.add_action(&range, &action);
        out.annotate_scope(scoped(&series.item, range, instance, Value::Action(action)));
    }
}

/// Joins the corners that process followed, and writes the longest paths.
fn finish_trajectories(
    item: Option<&Item>,
    series: &Series,
    spans: &[Span],
    settings: &MotionSettings,
    totals: &mut Totals,
    out: &mut Outputs,
) -> Result<(), StageError> {
    // Frames of an item that moves are all of its size: stills, which are not, have no trajectories.
    let size = item.map_or((0.0, 0.0), |item| (f64::from(item.width), f64::from(item.height)));
    let cuts = spans.iter().skip(1).map(|span| series.frames[span.frames.start].number).collect();
    let mut joiner = Joiner::new(size, settings.trajectories as usize, cuts);
    for path in &series.traces {
        for kept in trace::read(path)?.frames {
            joiner.add(&kept, facts_of(series, kept.frame));
        }
    }
    for (number, path) in (0..).zip(joiner.finish()) {
        totals.add_trajectory();
        let trajectory = path.published(number, duration(series, &path));
        let range = FrameRange { start: path.start, end: path.frames_end() };
        out.annotate_scope(scoped(&series.item, range, number, Value::Trajectory(trajectory)));
    }
    Ok(())
}

/// Seconds from the first to the last point of a path.
fn duration(series: &Series, path: &Path) -> f64 {
    let time = |number| facts_of(series, number).map(|facts| facts.pts_ns);
    let last = path.frames_end() - 1;
    match (time(path.start), time(last)) {
        (Some(start), Some(end)) => (end - start) as f64 / 1e9,
        // The frame that the first pair starts from may have no result of its own.
        _ => (last - path.start) as f64 * frame_ns(&series.frames) as f64 / 1e9,
    }
}

/// The facts of a frame.
fn facts_of(series: &Series, number: u64) -> Option<&FrameFacts> {
    series.frames.binary_search_by_key(&number, |frame| frame.number).ok().map(|index| &series.frames[index])
}

/// Mean time per source frame, nanoseconds; 0 for a single frame.
fn frame_ns(frames: &[FrameFacts]) -> i64 {
    match (frames.first(), frames.last()) {
        (Some(first), Some(last)) if last.number > first.number => {
            (last.pts_ns - first.pts_ns) / (last.number - first.number) as i64
        }
        _ => 0,
    }
}

/// Mean of the frames' mean magnitudes; the first frame's is across the cut and left out.
fn mean_magnitude(frames: &[FrameFacts]) -> Option<f32> {
    let pixels: Vec<f64> =
        frames.iter().skip(1).filter_map(|frame| frame.magnitude.map(|(pixels, _)| pixels)).collect();
    (!pixels.is_empty()).then(|| (pixels.iter().sum::<f64>() / pixels.len() as f64) as f32)
}

/// An annotation on a range of an item.
fn scoped(item: &str, range: FrameRange, instance: u32, value: Value) -> ScopedAnnotation {
    ScopedAnnotation {
        item: item.to_owned(),
        range: Some(range),
        annotation: Some(Annotation { instance, value: Some(value) }),
    }
}
