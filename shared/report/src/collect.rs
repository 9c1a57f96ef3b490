//! One step's rows of one item, as columns of a timeline.
use crate::columns::{LabelColumns, NumberColumns, count, of_frame};
use crate::fields::{Fields, title, words};
use crate::model::{Axis, Band, Series};
use framefleet_frames::Outcome;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Fields of a step that are followed; further ones are left out.
const MAX_FIELDS: usize = 48;
/// Series, and bands, of a step beside those that are shown at once.
const MAX_OTHERS: usize = 6;
/// A failure counts more than any number of skips in its column.
const FAILURE_WEIGHT: u64 = 1 << 32;

/// What the rows came to.
pub struct Collected {
    /// Curves, those that are shown at once in their order, then others.
    pub series: Vec<Series>,
    /// Bands, likewise.
    pub bands: Vec<Band>,
    /// Frames that failed.
    pub failures: u64,
}

/// A field: its kind and its path in the annotation.
type Path = (String, String);

/// Takes the rows of one item in frame order; memory is that of its columns.
pub struct ItemCollector {
    fields: Fields,
    axis: Axis,
    columns: usize,
    numbers: Vec<(Path, NumberColumns)>,
    labels: Vec<(Path, LabelColumns)>,
    /// Where a field is in `numbers` or `labels`.
    number_index: HashMap<Path, usize>,
    label_index: HashMap<Path, usize>,
    /// Annotations per frame, by kind, and whether a frame ever had other than one.
    instances: Vec<(String, NumberColumns, bool)>,
    problems: LabelColumns,
    failures: u64,
}

impl ItemCollector {
    /// Nothing yet, over the columns of `axis`; the step's stage says `fields` of its results.
    pub fn new(axis: &Axis, fields: Fields) -> Self {
        let columns = count(axis);
        Self {
            fields,
            axis: Axis { seconds: Vec::new(), ..axis.clone() },
            columns,
            numbers: Vec::new(),
            labels: Vec::new(),
            number_index: HashMap::new(),
            label_index: HashMap::new(),
            instances: Vec::new(),
            problems: LabelColumns::new(columns),
            failures: 0,
        }
    }

    /// One frame: its outcome, and its record, in which kinds are the lists.
    pub fn row(&mut self, frame: u64, outcome: &Outcome, row: &Map<String, Value>) {
        let Some(column) = of_frame(&self.axis, frame) else { return };
        match outcome {
            Outcome::Failed { code, .. } => {
                self.failures += 1;
                return self.problems.push(column, &format!("failed: {}", words(code)), FAILURE_WEIGHT);
            }
            Outcome::Skipped { rule } if rule == "sampling" => return,
            Outcome::Skipped { rule } => return self.problems.push(column, &format!("skipped: {}", words(rule)), 1),
            Outcome::Result => {}
        }
        for (kind, annotations) in row {
            let Value::Array(annotations) = annotations else { continue };
            self.count_instances(kind, column, annotations.len());
            for annotation in annotations.iter().filter_map(Value::as_object) {
                self.annotation(kind, "", column, annotation);
            }
        }
    }

    fn count_instances(&mut self, kind: &str, column: usize, number: usize) {
        let known = self.instances.iter().position(|(known, ..)| known == kind);
        let index = known.unwrap_or_else(|| {
            self.instances.push((kind.to_owned(), NumberColumns::new(self.columns), false));
            self.instances.len() - 1
        });
        let (_, columns, several) = &mut self.instances[index];
        columns.push(column, number as f64);
        *several |= number > 1;
    }

    /// The fields of an annotation, and, one level down, those of its parts that the stage says something of.
    fn annotation(&mut self, kind: &str, within: &str, column: usize, fields: &Map<String, Value>) {
        for (name, value) in fields.iter().filter(|(name, _)| *name != "instance") {
            let path = if within.is_empty() { name.clone() } else { format!("{within}.{name}") };
            match value {
                Value::Number(number) if within.is_empty() || self.fields.place(kind, &path).is_some() => {
                    self.number(kind, path, column, number.as_f64().unwrap_or(f64::NAN));
                }
                // What says nothing is no label.
                Value::String(text) if text.is_empty() => {}
                Value::String(text) if within.is_empty() || self.fields.place(kind, &path).is_some() => {
                    self.label(kind, path, column, text);
                }
                Value::Object(part) if within.is_empty() => self.annotation(kind, name, column, part),
                _ => {}
            }
        }
    }

    fn number(&mut self, kind: &str, path: String, column: usize, value: f64) {
        let (columns, fields) = (self.columns, &mut self.numbers);
        let index = place(&mut self.number_index, fields, (kind.to_owned(), path), || NumberColumns::new(columns));
        if let Some((_, columns)) = index.and_then(|index| self.numbers.get_mut(index)) {
            columns.push(column, value);
        }
    }

    fn label(&mut self, kind: &str, path: String, column: usize, text: &str) {
        let (columns, fields) = (self.columns, &mut self.labels);
        let index = place(&mut self.label_index, fields, (kind.to_owned(), path), || LabelColumns::new(columns));
        if let Some((_, columns)) = index.and_then(|index| self.labels.get_mut(index)) {
            columns.push(column, &words(text), 1);
        }
    }

    /// The curves and bands of `step`.
    pub fn finish(self, step: &str, axis: &Axis) -> Collected {
        let fields = &self.fields;
        let mut numbers = self.numbers;
        numbers.sort_by_key(|((kind, path), _)| fields.place(kind, path).unwrap_or(usize::MAX));
        let series = self.instances.into_iter().filter(|(.., several)| *several).map(|(kind, columns, _)| {
            let name = format!("{} per frame", title(&kind));
            columns.fill(1.0, Series { step: step.to_owned(), name, primary: true, ..Series::default() })
        });
        let series =
            series.chain(numbers.into_iter().map(|(field, columns)| series_of(step, fields, &field, &columns)));
        let mut labels = self.labels;
        labels.sort_by_key(|((kind, path), _)| fields.place(kind, path).unwrap_or(usize::MAX));
        let problems = Band { step: step.to_owned(), name: "Problems".to_owned(), primary: true, runs: Vec::new() };
        let bands = self.problems.fill(axis, false, problems).into_iter();
        let bands =
            bands.chain(labels.into_iter().filter_map(|(field, columns)| band_of(step, fields, &field, columns, axis)));
        Collected {
            series: some_others(series.collect(), |series| &mut series.primary),
            bands: some_others(bands.collect(), |band| &mut band.primary),
            failures: self.failures,
        }
    }
}

/// The place of `field` in `fields`, new if need be; `None` when there are too many.
fn place<C>(
    index: &mut HashMap<Path, usize>,
    fields: &mut Vec<(Path, C)>,
    field: Path,
    columns: impl FnOnce() -> C,
) -> Option<usize> {
    if let Some(place) = index.get(&field) {
        return Some(*place);
    }
    if fields.len() >= MAX_FIELDS {
        return None;
    }
    index.insert(field.clone(), fields.len());
    fields.push((field, columns()));
    Some(fields.len() - 1)
}

fn series_of(step: &str, fields: &Fields, (kind, path): &Path, columns: &NumberColumns) -> Series {
    let known = fields.on_timeline(kind, path);
    let series = Series {
        step: step.to_owned(),
        name: known.map_or_else(|| title(path), |field| field.label.to_string()),
        unit: known.map(|field| field.unit.to_string()).unwrap_or_default(),
        primary: known.is_some_and(|field| field.primary),
        ..Series::default()
    };
    columns.fill(known.map_or(1.0, |field| field.scale), series)
}

fn band_of(step: &str, fields: &Fields, (kind, path): &Path, columns: LabelColumns, axis: &Axis) -> Option<Band> {
    let known = fields.on_timeline(kind, path);
    let name = known.map_or_else(|| title(path), |field| field.label.to_string());
    let primary = known.is_some_and(|field| field.primary);
    columns.fill(axis, true, Band { step: step.to_owned(), name, primary, runs: Vec::new() })
}

/// Those that are shown at once and the first few others; of a step without any of the former, a few of the latter are.
fn some_others<T>(mut all: Vec<T>, primary: impl Fn(&mut T) -> &mut bool) -> Vec<T> {
    if !all.iter_mut().any(|one| *primary(one)) {
        all.iter_mut().take(MAX_OTHERS / 2).for_each(|one| *primary(one) = true);
    }
    let mut others = 0;
    all.retain_mut(|one| {
        others += usize::from(!*primary(one));
        *primary(one) || others <= MAX_OTHERS
    });
    all
}
