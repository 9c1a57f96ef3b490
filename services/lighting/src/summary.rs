//! The finish half: changes between frames, looks of shots, statistics and warnings. One pass over the records in constant
//! memory (and the list of shots).
use crate::rounding::rounded;
use crate::settings::LightingSettings;
use crate::tally::Tally;
use framefleet_frames::annotation::Value as AnnotationValue;
use framefleet_frames::{Amendment, Annotation, FrameRange, Lighting, ScopedAnnotation};
use framefleet_perception::{FrameResult, by_item};
use framefleet_stage::{Job, Outputs, Record, Records, StageError};
use serde_json::{Map, Value, json};

/// Exposure that jumps about by more than this many stops from frame to frame is worth a warning.
const VISIBLE_FLICKER: f64 = 0.1;

/// Reads all records and writes what they say together.
pub fn summarise(
    settings: &LightingSettings,
    job: &Job,
    records: &dyn Records,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut summary = Summary::new(settings);
    let mut items = by_item(records, job);
    while let Some(mut results) = items.next_item()? {
        let (shots, stills) = (results.shots().to_vec(), results.is_stills());
        for frame in results.by_ref() {
            let FrameResult { record, .. } = frame?;
            let Some(lighting) = lighting_of(&record) else { continue };
            summary.enter(Segment { item: record.item.clone(), range: shot_of(&shots, record.frame) }, out);
            summary.add(lighting);
            if !stills {
                summary.compare(&record, lighting.exposure_ev.into(), out);
            }
        }
    }
    summary.close_segment(out);
    out.statistics(&summary.statistics());
    Ok(())
}

/// The lighting of a record.
fn lighting_of(record: &Record) -> Option<&Lighting> {
    record.annotations.iter().find_map(|annotation| match &annotation.value {
        Some(AnnotationValue::Lighting(lighting)) => Some(lighting),
        _ => None,
    })
}

/// The shot that a frame lies in.
fn shot_of(shots: &[FrameRange], frame: u64) -> Option<FrameRange> {
    let after = shots.partition_point(|shot| shot.start <= frame);
    after.checked_sub(1).map(|index| shots[index]).filter(|shot| frame < shot.end)
}

/// Frames that belong together: a shot, or an item of which no shots are known.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    item: String,
    range: Option<FrameRange>,
}

/// What was read so far.
struct Summary<'a> {
    settings: &'a LightingSettings,
    segment: Option<Segment>,
    tally: Tally,
    all: Tally,
    /// Number and exposure of the last frames of the segment, one or two, in a row.
    recent: Vec<(u64, f64)>,
    clipped_frames: u64,
    crushed_frames: u64,
}

impl<'a> Summary<'a> {
    fn new(settings: &'a LightingSettings) -> Self {
        Self {
            settings,
            segment: None,
            tally: Tally::default(),
            all: Tally::default(),
            recent: Vec::new(),
            clipped_frames: 0,
            crushed_frames: 0,
        }
    }

    /// Closes the segment before this one, if it ends here.
    fn enter(&mut self, segment: Segment, out: &mut Outputs) {
        if self.segment.as_ref() != Some(&segment) {
            self.close_segment(out);
            self.segment = Some(segment);
        }
    }

    /// Counts a frame.
    fn add(&mut self, lighting: &Lighting) {
        self.tally.add(lighting);
        self.all.add(lighting);
        self.clipped_frames += u64::from(f64::from(lighting.clipped_high) > self.settings.clipped_warning);
        self.crushed_frames += u64::from(f64::from(lighting.clipped_low) > self.settings.clipped_warning);
    }

    /// Compares exposure with the frames before: the change to this frame, and the flicker of the one before it.
    fn compare(&mut self, record: &Record, exposure: f64, out: &mut Outputs) {
        if self.recent.last().is_some_and(|(frame, _)| frame + 1 != record.frame) {
            self.recent.clear();
        }
        if let Some((_, before)) = self.recent.last() {
            out.amend(Amendment {
                item: record.item.clone(),
                frame: record.frame,
                instance: 0,
                kind: "lighting".to_owned(),
                json: json!({ "exposure_delta_ev": rounded(exposure - before) }).to_string(),
            });
        }
        if let [(_, first), (_, second)] = self.recent[..] {
            let flicker = second - (first + exposure) / 2.0;
            self.tally.flicker.add(flicker);
            self.all.flicker.add(flicker);
            self.recent.remove(0);
        }
        self.recent.push((record.frame, exposure));
    }

    /// Publishes the look of the segment read so far.
    fn close_segment(&mut self, out: &mut Outputs) {
        let tally = std::mem::take(&mut self.tally);
        self.recent.clear();
        if let Some(segment) = self.segment.take() {
            out.annotate_scope(ScopedAnnotation {
                item: segment.item,
                range: segment.range,
                annotation: Some(Annotation { instance: 0, value: Some(AnnotationValue::Look(tally.look())) }),
            });
        }
    }

    /// Statistics of all frames, and what is wrong with the footage.
    fn statistics(&self) -> Map<String, Value> {
        let mut statistics = self.all.json();
        statistics.insert("warnings".to_owned(), Value::Array(self.warnings()));
        statistics
    }

    /// What a person should look at.
    fn warnings(&self) -> Vec<Value> {
        let limit = self.settings.clipped_warning * 100.0;
        let clipped = format!("more than {limit} % of the pixels are blown out");
        let crushed = format!("more than {limit} % of the pixels are black");
        let mut warnings = Vec::new();
        warnings.extend(self.warning("clipped_high", self.clipped_frames, &clipped));
        warnings.extend(self.warning("clipped_low", self.crushed_frames, &crushed));
        if let Some(flicker) = self.all.flicker.root_mean_square().filter(|flicker| *flicker > VISIBLE_FLICKER) {
            let message = "exposure jumps from frame to frame";
            warnings.push(json!({ "code": "flicker", "stops": rounded(flicker), "message": message }));
        }
        warnings
    }

    /// A warning about so many frames, if there are any.
    fn warning(&self, code: &str, frames: u64, message: &str) -> Option<Value> {
        let share = rounded(frames as f64 / self.all.frames().max(1) as f64);
        (frames > 0).then(|| json!({ "code": code, "frames": frames, "share": share, "message": message }))
    }
}
