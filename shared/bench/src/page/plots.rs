//! Numbers of the plots; the template draws them.
use crate::row::{Figures, Row};
use serde::Serialize;
use std::collections::BTreeMap;

/// Width that the longest bar has, in the plot's own units.
const WIDTH: f64 = 450.0;
/// Height of the line plot.
const HEIGHT: f64 = 190.0;

/// Horizontal bars, one for each row that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Bars {
    /// Unit, for people.
    unit: &'static str,
    bars: Vec<Bar>,
}

#[derive(Debug, Serialize)]
struct Bar {
    name: String,
    length: f64,
    /// A mark on the bar's line: the 95th percentile beside a mean.
    mark: Option<f64>,
    value: String,
    best: bool,
}

impl Bars {
    /// Frames per second.
    pub fn of_speed(rows: &[Row]) -> Option<Self> {
        let value = |figures: &Figures| Some((figures.frames_per_second, None));
        Self::new(rows, "frames per second, end to end", value, |value, _| format!("{value:.1}"), f64::max)
    }

    /// Peak memory of the process.
    pub fn of_memory(rows: &[Row]) -> Option<Self> {
        let value = |figures: &Figures| Some((figures.memory_peak? as f64 / f64::from(1 << 20), None));
        Self::new(rows, "MiB of memory at most", value, |value, _| format!("{value:.0}"), f64::min)
    }

    /// Mean time of a frame, with the 95th percentile.
    pub fn of_latency(rows: &[Row]) -> Option<Self> {
        let value =
            |figures: &Figures| Some((1000.0 * figures.frame_latency_mean, Some(1000.0 * figures.frame_latency_p95)));
        let text = |mean: f64, p95: Option<f64>| format!("{mean:.1} / {:.1}", p95.unwrap_or(mean));
        Self::new(rows, "milliseconds of work for a frame: mean, and the line 95 of 100", value, text, f64::min)
    }

    fn new(
        rows: &[Row],
        unit: &'static str,
        value: impl Fn(&Figures) -> Option<(f64, Option<f64>)>,
        text: impl Fn(f64, Option<f64>) -> String,
        better: fn(f64, f64) -> f64,
    ) -> Option<Self> {
        let measured = rows.iter().filter_map(|row| Some((row.name(), value(row.figures.as_ref()?)?)));
        let measured: Vec<(String, (f64, Option<f64>))> = measured.collect();
        let longest = measured.iter().map(|(_, (value, mark))| mark.unwrap_or(*value).max(*value)).reduce(f64::max)?;
        let best = measured.iter().map(|(_, (value, _))| *value).reduce(better)?;
        let scale = if longest > 0.0 { WIDTH / longest } else { 0.0 };
        let several = measured.len() > 1;
        let bar = |(name, (value, mark)): (String, (f64, Option<f64>))| Bar {
            name,
            length: value * scale,
            mark: mark.map(|mark| mark * scale),
            value: text(value, mark),
            best: several && value == best,
        };
        Some(Self { unit, bars: measured.into_iter().map(bar).collect() })
    }
}

/// Speed by batch: a line for each of the other settings.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    lines: Vec<Series>,
    /// Batches: place across, and the number.
    ticks: Vec<(f64, u32)>,
    /// Speeds: place down, and the number.
    levels: Vec<(f64, String)>,
}

#[derive(Debug, Serialize)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// `None` with fewer than two batches.
    pub fn by_batch(rows: &[Row]) -> Option<Self> {
        let mut series: BTreeMap<String, Vec<(u32, f64)>> = BTreeMap::new();
        let mut batches = std::collections::BTreeSet::new();
        let mut most = 0.0_f64;
        for row in rows {
            if let (Some(batch), Some(figures)) = (row.combination.batch, &row.figures) {
                let others = crate::Combination { batch: None, ..row.combination };
                series.entry(others.to_string()).or_default().push((batch, figures.frames_per_second));
                batches.insert(batch);
                most = most.max(figures.frames_per_second);
            }
        }
        let (least, largest) = (*batches.first()?, *batches.last()?);
        if least == largest || most <= 0.0 {
            return None;
        }
        let across = |batch: u32| WIDTH * logarithm(batch, least) / logarithm(largest, least);
        let down = |speed: f64| HEIGHT * (1.0 - speed / most);
        let line = |(name, mut points): (String, Vec<(u32, f64)>)| {
            points.sort_by_key(|(batch, _)| *batch);
            Series { name, points: points.into_iter().map(|(batch, speed)| (across(batch), down(speed))).collect() }
        };
        let levels = [0.0, 0.5, 1.0].map(|share| (down(share * most), format!("{:.0}", share * most)));
        let ticks = batches.iter().map(|&batch| (across(batch), batch)).collect();
        Some(Self { lines: series.into_iter().map(line).collect(), ticks, levels: levels.into() })
    }
}

/// A number's place on a logarithmic axis from `first`.
fn logarithm(number: u32, first: u32) -> f64 {
    (f64::from(number) / f64::from(first)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Combination;

    fn row(batch: u32, speed: f64) -> Row {
        let figures = Figures { frames_per_second: speed, ..Figures::default() };
        let combination = Combination { batch: Some(batch), ..Combination::default() };
        Row { combination, frame_size: None, not_run: None, figures: Some(figures) }
    }

    #[test]
    fn the_longest_bar_is_the_width_and_the_best_is_marked() {
        let bars = Bars::of_speed(&[row(1, 10.0), row(8, 40.0), Row::not_run(Combination::default(), "no")]).unwrap();
        let lengths: Vec<(f64, bool)> = bars.bars.iter().map(|bar| (bar.length, bar.best)).collect();
        assert_eq!(lengths, [(WIDTH / 4.0, false), (WIDTH, true)], "what did not run has no bar");
        assert!(Bars::of_memory(&[row(1, 10.0)]).is_none(), "nothing measured, nothing drawn");
    }

    #[test]
    fn batches_are_on_a_logarithmic_axis() {
        let line = Line::by_batch(&[row(16, 40.0), row(1, 10.0), row(4, 20.0)]).unwrap();
        assert_eq!(line.ticks.iter().map(|tick| tick.1).collect::<Vec<_>>(), [1, 4, 16]);
        let points = &line.lines[0].points;
        assert!((points[1].0 - WIDTH / 2.0).abs() < 1e-9 && points[2] == (WIDTH, 0.0), "{points:?}");
        assert!(Line::by_batch(&[row(8, 1.0)]).is_none());
    }
}
