//! From results to a report of bounded size, whatever the length of the footage: rows go by once, and only columns stay.
mod ranges;

use crate::collect::ItemCollector;
use crate::fields::Fields;
use crate::model::{
    Axis, Counts, Efficiency, Failure, ItemReport, JobHeader, Label, PlanSummary, Report, ShotReport, StepSummary,
    Thumbnail, Timing,
};
use crate::stills::{self, FileNames};
use crate::thumbnail::{Budget, Thumbnails, choose, per_item, side};
use crate::{MAX_COLUMNS, MAX_FAILURES, columns, tracks};
use framefleet_frames::times::Times;
use framefleet_frames::{Item, ItemKind, Outcome};
use framefleet_ledger::Manifest;
use framefleet_proto::v1::{ManifestItem, TaskResult};
use framefleet_stage::Field;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// The stage whose tasks are whole batches, whatever part of them the job does.
const INGEST: &str = "ingest";
/// Columns of all timelines of a page together, per series: more items have coarser ones.
const PAGE_COLUMNS: u64 = 12_000;
/// Coarsest timeline.
const MIN_COLUMNS: u64 = 400;
/// Most series and bands of an item.
const MAX_SERIES: usize = 32;
const MAX_BANDS: usize = 12;
/// Most characters of a failure's reason.
const REASON_LENGTH: usize = 400;

/// What the results do not say: the caller's part of a report.
#[derive(Clone, Debug, Default)]
pub struct JobFacts {
    /// The job in a few words.
    pub job: JobHeader,
    /// How fast it went.
    pub efficiency: Option<Efficiency>,
    /// What submit made of it.
    pub plan: PlanSummary,
    /// Named durations.
    pub timings: Vec<Timing>,
    /// Seconds in tasks, by step.
    pub task_seconds: BTreeMap<String, f64>,
    /// The command that tries failed frames again; may be empty.
    pub replay: String,
    /// What stages say of their results, by stage. What a stage says nothing of is shown under its own name.
    pub fields: BTreeMap<String, Vec<Field>>,
    /// What was not taken of the source, in lines.
    pub left_out: Vec<String>,
}

/// A report in the making: for each step [`Self::begin_step`], its rows, [`Self::scoped`], then [`Self::end_step`]; at the
/// end [`Self::finish`].
pub struct Gathering {
    report: Report,
    /// Source items, in the order of `report.items`.
    sources: Vec<Item>,
    index: HashMap<String, usize>,
    task_seconds: BTreeMap<String, f64>,
    by_stage: BTreeMap<String, Vec<Field>>,
    /// What the stage of the step whose rows go by says of its results.
    fields: Fields,
    /// The item whose rows go by.
    current: Option<(usize, ItemCollector)>,
    /// Results on ranges other than shots, until all shots are known.
    on_ranges: HashMap<usize, Vec<(u64, u64, Label)>>,
    names: FileNames,
}

impl Gathering {
    /// Begins a report of the steps in `manifests`, whose tasks say which items and frames there are.
    pub fn new(facts: JobFacts, manifests: &[Manifest]) -> Self {
        let mut gathering = Self {
            report: Report {
                job: facts.job,
                efficiency: facts.efficiency,
                plan: facts.plan,
                timings: facts.timings,
                left_out: facts.left_out,
                failures: crate::model::Failures { replay: facts.replay, ..Default::default() },
                ..Report::default()
            },
            sources: Vec::new(),
            index: HashMap::new(),
            task_seconds: facts.task_seconds,
            by_stage: facts.fields,
            fields: Fields::default(),
            current: None,
            on_ranges: HashMap::new(),
            names: FileNames::default(),
        };
        gathering.add_items(manifests);
        gathering
    }

    fn add_items(&mut self, manifests: &[Manifest]) {
        let mut ranges: Vec<Extent> = Vec::new();
        for manifest in manifests {
            for covered in manifest.covered() {
                let Some(item) = &covered.item else { continue };
                let next = self.sources.len();
                let index = *self.index.entry(item.name.clone()).or_insert(next);
                if index == next {
                    self.sources.push(item.clone());
                    ranges.push(Extent::default());
                }
                ranges[index].add(covered, manifest.stage == INGEST);
            }
        }
        let columns = (PAGE_COLUMNS / (self.sources.len() as u64).max(1)).clamp(MIN_COLUMNS, MAX_COLUMNS);
        let items = self.sources.iter().zip(&ranges);
        self.report.items = items.map(|(item, extent)| item_report(item, extent.frames(), columns)).collect();
        self.names = FileNames::new(&self.report.items);
    }

    /// Notes times and sizes of a task's frames.
    pub fn task(&mut self, item: &str, task: &TaskResult) {
        let Some(index) = self.index.get(item) else { return };
        self.names.note_task(*index, task);
        if let Some(item) = self.report.items.get_mut(*index) {
            note_times(item, task);
            stills::note_sizes(item, task);
        }
    }

    /// The rows that follow are of this step.
    pub fn begin_step(&mut self, manifest: &Manifest) {
        self.fields = Fields::new(self.by_stage.get(&manifest.stage));
        let skipped = manifest.covered().iter().map(|covered| self.frames_of_job(covered)).sum();
        self.report.steps.push(StepSummary {
            name: manifest.step.clone(),
            stage: manifest.stage.clone(),
            complete: manifest.complete,
            // Until a row says otherwise: frames that sampling left out have none.
            counts: Counts { skipped, ..Counts::default() },
            ..StepSummary::default()
        });
    }

    /// Frames of an item that a step's tasks cover, of those that the job does: batches are decoded whole.
    fn frames_of_job(&self, covered: &ManifestItem) -> u64 {
        let item = covered.item.as_ref().and_then(|item| self.report.items.get(*self.index.get(&item.name)?));
        let (Some(item), Some(frames)) = (item, &covered.frames) else { return 0 };
        let gaps = (frames.end - frames.start).saturating_sub(covered.count);
        let overlap = frames.end.min(item.axis.end).saturating_sub(frames.start.max(item.axis.start));
        overlap.saturating_sub(gaps)
    }

    /// One frame of the step, in frame order within its item; `row` is its record: lists of annotations by kind.
    pub fn row(&mut self, item: &str, frame: u64, pts_ns: i64, outcome: &Outcome, row: &Map<String, Value>) {
        let Some(index) = self.index.get(item).copied() else { return };
        let of_job = |axis: &Axis| (axis.start..axis.end).contains(&frame);
        if self.report.items.get(index).is_some_and(|item| of_job(&item.axis)) {
            self.count(item, (frame, stills::of(row)), pts_ns, outcome);
        }
        self.names.note(index, frame, row);
        if self.current.as_ref().is_none_or(|(current, _)| *current != index) {
            self.end_item();
        }
        let Some(item) = self.report.items.get(index) else { return };
        let (_, collector) =
            self.current.get_or_insert_with(|| (index, ItemCollector::new(&item.axis, self.fields.clone())));
        collector.row(frame, outcome, row);
    }

    fn count(&mut self, item: &str, (frame, file): (u64, Option<String>), pts_ns: i64, outcome: &Outcome) {
        let Some(step) = self.report.steps.last_mut() else { return };
        match outcome {
            Outcome::Skipped { .. } => {}
            Outcome::Result => {
                step.counts.result += 1;
                step.counts.skipped = step.counts.skipped.saturating_sub(1);
            }
            Outcome::Failed { code, reason } => {
                step.counts.failed += 1;
                step.counts.skipped = step.counts.skipped.saturating_sub(1);
                let failures = &mut self.report.failures;
                failures.total += 1;
                if failures.shown.len() < MAX_FAILURES {
                    failures.shown.push(Failure {
                        item: item.to_owned(),
                        frame,
                        file,
                        pts_ns,
                        step: step.name.clone(),
                        code: code.clone(),
                        reason: reason.chars().take(REASON_LENGTH).collect(),
                    });
                }
            }
        }
    }

    fn end_item(&mut self) {
        let Some((index, collector)) = self.current.take() else { return };
        let (Some(item), Some(step)) = (self.report.items.get_mut(index), self.report.steps.last()) else { return };
        let collected = collector.finish(&step.name, &item.axis);
        item.failures += collected.failures;
        item.series.extend(collected.series);
        item.bands.extend(collected.bands);
    }

    /// The step has no more rows.
    pub fn end_step(&mut self) {
        self.end_item();
        let Some(step) = self.report.steps.last_mut() else { return };
        step.task_seconds = self.task_seconds.get(&step.name).copied();
        let done = step.counts.result + step.counts.failed;
        step.frames_per_second =
            step.task_seconds.filter(|seconds| *seconds > 0.0).map(|seconds| done as f64 / seconds);
    }

    /// The report, with pictures from `thumbnails`.
    pub fn finish(mut self, thumbnails: &dyn Thumbnails) -> Report {
        let items = self.report.items.len();
        let mut budget = Budget::new();
        for (index, (item, source)) in self.report.items.iter_mut().zip(&self.sources).enumerate() {
            item.shots.sort_by_key(|shot| shot.start);
            add_to_shots(&mut item.shots, self.on_ranges.remove(&index).unwrap_or_default());
            order(item);
            let chosen = || choose(&item.axis, &item.shots, per_item(items));
            let frames = self.names.frames(index).unwrap_or_else(chosen);
            let pictures = thumbnails.jpeg(source, &frames, side(items)).into_iter();
            let fitting = pictures.filter(|(_, jpeg)| budget.take(jpeg.len()));
            let named = |(frame, jpeg)| Thumbnail { file: self.names.of(index, frame), ..thumbnail(item, frame, jpeg) };
            item.thumbnails = fitting.map(named).collect();
            tracks::finish(item, source, thumbnails, &mut budget);
        }
        self.report
    }
}

/// The frames of an item that a job does.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    /// First frame, and the frame after the last: of tasks of steps, and of batches that were decoded, which are whole.
    steps: Option<(u64, u64)>,
    decoded: Option<(u64, u64)>,
}

impl Extent {
    fn add(&mut self, covered: &ManifestItem, decoding: bool) {
        let extent = if decoding { &mut self.decoded } else { &mut self.steps };
        if let Some(range) = &covered.frames {
            let (start, end) = extent.unwrap_or((range.start, range.end));
            *extent = Some((start.min(range.start), end.max(range.end)));
        }
    }

    /// What steps did; where none has done anything yet, what was decoded.
    fn frames(&self) -> (u64, u64) {
        self.steps.or(self.decoded).unwrap_or_default()
    }
}

fn item_report(item: &Item, range: (u64, u64), columns: u64) -> ItemReport {
    let (start, end) = if range.0 < range.1 { range } else { (0, 0) };
    let rate = item.frame_rate.as_ref().filter(|rate| rate.num > 0 && rate.den > 0);
    let fps = rate.map(|rate| rate.num as f64 / rate.den as f64).filter(|_| item.kind() != ItemKind::Stills);
    ItemReport {
        name: item.name.clone(),
        kind: kind_name(item.kind()).to_owned(),
        width: item.width,
        height: item.height,
        fps,
        codec: item.codec.clone(),
        container: container(item).to_owned(),
        bit_depth: item.bit_depth,
        audio: item.has_audio,
        bytes: item.bytes,
        axis: columns::axis(start, end, columns),
        ..ItemReport::default()
    }
}

/// What contains an item. FFmpeg names a demuxer by all that it reads ("mov,mp4,m4a,…"): of these the file's own extension, else the first.
fn container(item: &Item) -> &str {
    let extension = item.name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let mut names = item.container.split(',');
    let own = names.clone().find(|name| name.eq_ignore_ascii_case(extension));
    own.or_else(|| names.next()).unwrap_or_default()
}

fn kind_name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Stills => "stills",
        ItemKind::Sequence => "sequence",
        ItemKind::Video | ItemKind::Unspecified => "video",
    }
}

/// Times of columns, and how long the item is, from the presentation times in a manifest.
fn note_times(item: &mut ItemReport, task: &TaskResult) {
    let (Some(fps), Some(range), Some(times)) = (item.fps, &task.range, &task.times) else { return };
    item.axis.seconds.resize(columns::count(&item.axis), None);
    let inside = |(frame, _): &(u64, i64)| (item.axis.start..item.axis.end).contains(frame);
    let times: Vec<(u64, i64)> = (range.start..range.end).zip(Times::from(times).iter()).filter(inside).collect();
    for (frame, pts_ns) in times {
        let seconds = pts_ns as f64 / 1e9;
        let on_edge = (frame - item.axis.start).is_multiple_of(item.axis.frames_per_column);
        if let Some(column) = columns::of_frame(&item.axis, frame).filter(|_| on_edge) {
            item.axis.seconds[column] = Some((seconds * 1e4).round() / 1e4);
        }
        if frame + 1 == item.axis.end {
            let first = item.axis.seconds.first().copied().flatten().unwrap_or_default();
            item.seconds = Some(seconds - first + 1.0 / fps);
        }
    }
}

/// Gives results on ranges to the shots of the same range.
fn add_to_shots(shots: &mut [ShotReport], labels: Vec<(u64, u64, Label)>) {
    for (start, end, label) in labels {
        let shot = shots.binary_search_by_key(&start, |shot| shot.start).ok().and_then(|index| shots.get_mut(index));
        if let Some(shot) = shot.filter(|shot| shot.end == end) {
            shot.labels.push(label);
        }
    }
}

/// What is shown at once comes first; what is too much is left out.
fn order(item: &mut ItemReport) {
    item.series.sort_by_key(|series| !series.primary);
    item.bands.sort_by_key(|band| !band.primary);
    item.series.truncate(MAX_SERIES);
    item.bands.truncate(MAX_BANDS);
}

fn thumbnail(item: &ItemReport, frame: u64, jpeg: Vec<u8>) -> Thumbnail {
    let column = columns::of_frame(&item.axis, frame);
    let seconds = column.and_then(|column| item.axis.seconds.get(column).copied().flatten()).unwrap_or_default();
    let into_column = (frame.saturating_sub(item.axis.start)) % item.axis.frames_per_column;
    let seconds = seconds + item.fps.map_or(0.0, |fps| into_column as f64 / fps);
    Thumbnail { frame, file: None, pts_ns: (seconds * 1e9) as i64, jpeg }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_one_name() {
        let named = |name: &str, demuxer: &str| {
            let item = Item { name: name.to_owned(), container: demuxer.to_owned(), ..Item::default() };
            container(&item).to_owned()
        };
        assert_eq!(named("a.MP4", "mov,mp4,m4a,3gp,3g2,mj2"), "mp4");
        assert_eq!(named("a.webm", "matroska,webm"), "webm");
        assert_eq!(named("a.mkv", "matroska,webm"), "matroska");
        assert_eq!(named("a", "mov,mp4,m4a,3gp,3g2,mj2"), "mov");
        assert_eq!(named("b.mts", "mpegts"), "mpegts");
        assert_eq!(named("photographs", ""), "");
    }
}
