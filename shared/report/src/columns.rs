//! Downsampling while streaming: values by frame become one value per column of a timeline.
use crate::model::{Axis, Band, Run, Series};

/// Different labels that a field may have before it counts as free text, which no timeline shows.
const MAX_LABELS: usize = 48;

/// A timeline of at most `columns` columns over the frames `start..end`; times are not known yet.
pub fn axis(start: u64, end: u64, columns: u64) -> Axis {
    Axis { start, end, frames_per_column: (end - start).div_ceil(columns.max(1)).max(1), seconds: Vec::new() }
}

/// How many columns `axis` has.
pub fn count(axis: &Axis) -> usize {
    (axis.end - axis.start).div_ceil(axis.frames_per_column) as usize
}

/// The column that holds `frame`; `None` outside the axis.
pub fn of_frame(axis: &Axis, frame: u64) -> Option<usize> {
    (axis.start..axis.end).contains(&frame).then(|| ((frame - axis.start) / axis.frames_per_column) as usize)
}

/// Least, mean and greatest value per column.
#[derive(Clone, Debug)]
pub struct NumberColumns {
    columns: Vec<NumberColumn>,
    several: bool,
}

#[derive(Clone, Copy, Debug)]
struct NumberColumn {
    sum: f64,
    count: u32,
    min: f64,
    max: f64,
}

impl NumberColumns {
    /// As many empty columns.
    pub fn new(columns: usize) -> Self {
        let empty = NumberColumn { sum: 0.0, count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY };
        Self { columns: vec![empty; columns], several: false }
    }

    /// Adds a value; what is not finite, or outside, is left out.
    pub fn push(&mut self, column: usize, value: f64) {
        let Some(entry) = self.columns.get_mut(column).filter(|_| value.is_finite()) else { return };
        entry.sum += value;
        entry.count = entry.count.saturating_add(1);
        entry.min = entry.min.min(value);
        entry.max = entry.max.max(value);
        self.several |= entry.count > 1;
    }

    /// The curves of `series`, times `scale`, to four significant digits.
    pub fn fill(&self, scale: f64, series: Series) -> Series {
        let points = |value: fn(&NumberColumn) -> f64| {
            let point = |column: &NumberColumn| (column.count > 0).then(|| rounded(value(column) * scale));
            self.columns.iter().map(point).collect::<Vec<_>>()
        };
        let mean = points(|column| column.sum / f64::from(column.count));
        if !self.several {
            return Series { mean, ..series };
        }
        Series { mean, min: points(|column| column.min), max: points(|column| column.max), ..series }
    }
}

/// Four significant digits: more than a timeline can show, half the bytes.
fn rounded(value: f64) -> f32 {
    if value == 0.0 {
        return 0.0;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    let digits = (value * scale).round() / scale;
    (if digits.is_finite() { digits } else { value }) as f32
}

/// The label with the most weight per column. Columns have to come in order.
#[derive(Clone, Debug)]
pub struct LabelColumns {
    labels: Vec<String>,
    columns: Vec<Option<usize>>,
    /// The column being filled, and the weight of each label in it.
    current: usize,
    weights: Vec<u64>,
    free_text: bool,
}

impl LabelColumns {
    /// As many empty columns.
    pub fn new(columns: usize) -> Self {
        Self { labels: Vec::new(), columns: vec![None; columns], current: 0, weights: Vec::new(), free_text: false }
    }

    /// Adds `weight` to `label` in `column`, which must not be before the last one.
    pub fn push(&mut self, column: usize, label: &str, weight: u64) {
        if self.free_text {
            return;
        }
        if column != self.current {
            self.settle();
            self.current = column;
        }
        let index = self.labels.iter().position(|known| known == label).unwrap_or_else(|| {
            self.labels.push(label.to_owned());
            self.labels.len() - 1
        });
        self.free_text = self.labels.len() > MAX_LABELS;
        self.weights.resize(self.labels.len(), 0);
        self.weights[index] = self.weights[index].saturating_add(weight);
    }

    /// The runs of `band`; `None` when there is no label, or too many to be a label. With `bridge`, columns that are empty
    /// because the step looks at every n-th frame belong to the run before them.
    pub fn fill(mut self, axis: &Axis, bridge: bool, band: Band) -> Option<Band> {
        self.settle();
        let known = self.columns.iter().enumerate().filter_map(|(column, label)| Some((column, (*label)?)));
        let known: Vec<(usize, usize)> = known.collect();
        if self.free_text || known.is_empty() {
            return None;
        }
        let reach = if bridge { usual_spacing(&known) * 3 / 2 } else { 1 };
        let mut runs: Vec<Run> = Vec::new();
        for (i, (column, label)) in known.iter().enumerate() {
            let next = known.get(i + 1).map_or(self.columns.len(), |(next, _)| *next);
            let (start, end) = (first_frame(axis, *column), first_frame(axis, next.min(column + reach.max(1))));
            match runs.last_mut() {
                Some(run) if run.end == start && run.label == self.labels[*label] => run.end = end,
                _ => runs.push(Run { start, end, label: self.labels[*label].clone() }),
            }
        }
        Some(Band { runs, ..band })
    }

    /// Decides the column being filled.
    fn settle(&mut self) {
        let most =
            self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0).max_by_key(|(_, weight)| **weight);
        if let (Some((label, _)), Some(column)) = (most, self.columns.get_mut(self.current)) {
            *column = Some(label);
        }
        self.weights.fill(0);
    }
}

fn first_frame(axis: &Axis, column: usize) -> u64 {
    (axis.start + column as u64 * axis.frames_per_column).min(axis.end)
}

/// Median distance of neighbouring columns that have a label.
fn usual_spacing(known: &[(usize, usize)]) -> usize {
    let mut gaps: Vec<usize> = known.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn band(labels: LabelColumns, axis: &Axis, bridge: bool) -> Vec<(u64, u64, String)> {
        let band = labels.fill(axis, bridge, Band::default()).unwrap();
        band.runs.into_iter().map(|run| (run.start, run.end, run.label)).collect()
    }

    #[test]
    fn the_last_column_may_be_short() {
        let axis = axis(10, 2_511, 500);
        assert_eq!((axis.frames_per_column, count(&axis)), (6, 417));
        assert_eq!(of_frame(&axis, 2_510), Some(416));
        assert_eq!((of_frame(&axis, 9), of_frame(&axis, 2_511)), (None, None));
    }

    #[test]
    fn one_value_per_column_needs_no_envelope() {
        let mut columns = NumberColumns::new(3);
        columns.push(0, 1.23456);
        columns.push(2, f64::NAN);
        let series = columns.fill(100.0, Series::default());
        assert_eq!(series.mean, [Some(123.5), None, None]);
        assert!(series.min.is_empty() && series.max.is_empty());
    }

    #[test]
    fn labels_of_sampled_frames_make_runs_and_real_gaps_stay() {
        let axis = axis(0, 60, 60);
        let mut labels = LabelColumns::new(60);
        for frame in (0..20).step_by(5) {
            labels.push(frame, "static", 1);
        }
        for frame in (40..60).step_by(5) {
            labels.push(frame, "pan left", 1);
        }
        let runs = band(labels, &axis, true);
        assert_eq!(runs, [(0, 22, "static".to_owned()), (40, 60, "pan left".to_owned())]);
    }

    #[test]
    fn a_column_has_the_label_of_most_of_its_frames() {
        let axis = axis(0, 20, 2);
        let mut labels = LabelColumns::new(2);
        for frame in 0..20 {
            labels.push(frame / 10, if frame < 6 { "a" } else { "b" }, 1);
        }
        assert_eq!(band(labels, &axis, true), [(0, 10, "a".to_owned()), (10, 20, "b".to_owned())]);
    }

    #[test]
    fn free_text_is_no_label() {
        let mut labels = LabelColumns::new(1000);
        for frame in 0..1000 {
            labels.push(frame, &format!("sentence {frame}"), 1);
        }
        assert!(labels.fill(&axis(0, 1000, 1000), true, Band::default()).is_none());
    }

    proptest! {
        #[test]
        fn envelopes_hold_every_value(values in proptest::collection::vec(-1e6f64..1e6, 1..400), columns in 1u64..40) {
            let axis = axis(7, 7 + values.len() as u64, columns);
            let mut collected = NumberColumns::new(count(&axis));
            for (i, value) in values.iter().enumerate() {
                collected.push(of_frame(&axis, 7 + i as u64).unwrap(), *value);
            }
            let series = collected.fill(1.0, Series::default());
            prop_assert!(series.mean.len() as u64 <= columns);
            let (min, max) = if series.min.is_empty() { (&series.mean, &series.mean) } else { (&series.min, &series.max) };
            for (i, value) in values.iter().enumerate() {
                let column = of_frame(&axis, 7 + i as u64).unwrap();
                let slack = (value.abs() * 1e-3) as f32 + 1e-6;
                prop_assert!(min[column].unwrap() <= *value as f32 + slack && max[column].unwrap() >= *value as f32 - slack);
            }
        }
    }
}
