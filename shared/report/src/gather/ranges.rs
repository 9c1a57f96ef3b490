//! Results on items and on ranges of frames: shots, words for the list of shots, words that become bands, sound and tracks.
use super::Gathering;
use crate::fields::{title, words};
use crate::model::{Band, Label, Run, ShotReport};
use crate::{MAX_SHOTS, ReportError, columns, sync, tracks};
use framefleet_frames::{AnnotationBlock, AvOffset, FrameRange, annotation};
use framefleet_proto::kinds::KINDS;
use framefleet_stage::Place;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The kind that is listed as shots.
const SHOT: &str = "shot";
/// The field that says in a word what a result is, where the stage says nothing.
const LABEL: &str = "label";

/// Runs of words, by item, kind and path.
type Bands = BTreeMap<(usize, String, String), Vec<Run>>;

impl Gathering {
    /// What the step's finish half said about items and ranges of them: shots, and labels that become bands.
    pub fn scoped(&mut self, block: &AnnotationBlock) -> Result<(), ReportError> {
        let mut bands: Bands = BTreeMap::new();
        for scoped in &block.scoped {
            let Some(index) = self.index.get(&scoped.item).copied() else { continue };
            let Some(value) = scoped.annotation.as_ref() else { continue };
            if let Some(annotation::Value::AvOffset(offset)) = &value.value {
                self.add_sound(index, scoped.range, offset);
                continue;
            }
            let Some(range) = &scoped.range else { continue };
            let kind = annotation::kind_name(value);
            if self.report.items.get_mut(index).is_some_and(|item| tracks::add(item, scoped)) || !self.shows(kind) {
                continue;
            }
            self.add_range(index, range, kind, &annotation::to_json(value)?, &mut bands);
        }
        for ((index, kind, path), runs) in bands {
            self.add_band(index, &kind, &path, runs);
        }
        Ok(())
    }

    /// Whether results of this kind on ranges have anything to show. Not so paths of corners, for one: many, long, and without words.
    fn shows(&self, kind: &str) -> bool {
        let typed = KINDS.iter().find(|known| known.name == kind);
        kind == SHOT || self.fields.knows(kind) || typed.is_none_or(|known| known.fields.contains(&LABEL))
    }

    /// A result on a range of frames: a shot, words for the list of shots, or words that become bands.
    fn add_range(
        &mut self,
        index: usize,
        range: &FrameRange,
        kind: &str,
        result: &Map<String, Value>,
        bands: &mut Bands,
    ) {
        let FrameRange { start, end } = *range;
        let labels = self.fields.words_of(kind, Place::Shots, result);
        let labels: Vec<Label> = labels.map(|(field, value)| Label { name: field.label.to_string(), value }).collect();
        if kind == SHOT {
            return self.add_shot(index, start, end, result, labels);
        }
        let on_shots = labels.into_iter().map(|label| (start, end, label));
        self.on_ranges.entry(index).or_default().extend(on_shots);
        let mut add = |path: &str, label: String| {
            bands.entry((index, kind.to_owned(), path.to_owned())).or_default().push(Run { start, end, label });
        };
        match result.get(LABEL).and_then(Value::as_str) {
            Some(label) if !self.fields.knows(kind) => add(LABEL, words(label)),
            _ => self.fields.words_of(kind, Place::Timeline, result).for_each(|(field, label)| add(&field.path, label)),
        }
    }

    /// The offset of an item, with its sound, or of a shot.
    fn add_sound(&mut self, index: usize, range: Option<FrameRange>, offset: &AvOffset) {
        let (Some(item), Some(step)) = (self.report.items.get_mut(index), self.report.steps.last()) else { return };
        match range {
            None => item.series.extend(sync::series(&step.name, offset, &item.axis)),
            Some(range) => {
                self.on_ranges.entry(index).or_default().push((range.start, range.end, sync::label(offset)));
            }
        }
    }

    fn add_shot(&mut self, index: usize, start: u64, end: u64, fields: &Map<String, Value>, labels: Vec<Label>) {
        let Some(item) = self.report.items.get_mut(index) else { return };
        item.shots_total += 1;
        if item.shots.len() >= MAX_SHOTS {
            return;
        }
        let moving = item.fps.is_some();
        let seconds =
            |name| fields.get(name).and_then(Value::as_f64).filter(|_| moving).map(|nanoseconds| nanoseconds / 1e9);
        let number = fields.get("number").and_then(Value::as_u64).unwrap_or(item.shots.len() as u64);
        item.shots.push(ShotReport {
            number,
            start,
            end,
            start_seconds: seconds("start_ns"),
            end_seconds: seconds("end_ns"),
            labels,
        });
    }

    fn add_band(&mut self, index: usize, kind: &str, path: &str, mut runs: Vec<Run>) {
        let (Some(item), Some(step)) = (self.report.items.get_mut(index), self.report.steps.last()) else { return };
        let known = self.fields.on_timeline(kind, path);
        let band = Band {
            step: step.name.clone(),
            name: known.map_or_else(|| title(kind), |field| field.label.to_string()),
            primary: known.is_some_and(|field| field.primary),
            runs: Vec::new(),
        };
        runs.sort_by_key(|run| run.start);
        let mut labels = columns::LabelColumns::new(columns::count(&item.axis));
        for run in &runs {
            let first = columns::of_frame(&item.axis, run.start.max(item.axis.start));
            let last = columns::of_frame(&item.axis, run.end.min(item.axis.end).saturating_sub(1));
            if let (Some(first), Some(last)) = (first, last) {
                (first..=last).for_each(|column| labels.push(column, &run.label, run.end - run.start));
            }
        }
        item.bands.extend(labels.fill(&item.axis, false, band));
    }
}
