//! What the report shows: plain data, which travels to the page as JSON.
mod efficiency;

pub use efficiency::{Bottleneck, Efficiency, StepTime};

use serde::Serialize;
use serde_json::{Map, Value};

/// Everything that the report of one output shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The job in a few words.
    pub job: JobHeader,
    /// Steps, in the order of the plan.
    pub steps: Vec<StepSummary>,
    /// Items, in the order of the source.
    pub items: Vec<ItemReport>,
    /// How fast it went and what held it up; absent until something was measured.
    pub efficiency: Option<Efficiency>,
    /// Frames that could not be processed.
    pub failures: Failures,
    /// What submit made of the job.
    pub plan: PlanSummary,
    /// Named durations of the run, in the order in which they are to be read.
    pub timings: Vec<Timing>,
    /// Further pages.
    pub pages: Vec<PageLink>,
    /// What the job did not take of its source, in lines.
    pub left_out: Vec<String>,
}

/// A link to a page beside the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PageLink {
    /// What it says.
    pub title: String,
    /// Where it leads, relative to the output.
    pub href: String,
}

/// The job in a few words.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JobHeader {
    /// Its name.
    pub name: String,
    /// What it read.
    pub source: String,
    /// When the report was drawn, as people write it ("2026-05-01 14:03 UTC").
    pub created: String,
    /// How far it got.
    pub state: State,
    /// What that means and what to do next, in a sentence; may be empty.
    pub message: String,
}

/// How far a job got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every step has an outcome for every frame, and every finish half is done.
    Complete,
    /// Tasks are missing: running, stopped, or a preview.
    #[default]
    Unfinished,
    /// All that could be done is done; some frames or a finish half failed.
    Partial,
}

/// Outcomes of one step over all items, and what it took.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepSummary {
    /// The step.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Frames by outcome.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether every task of the job is in it and its finish half is done.
    pub complete: bool,
    /// Seconds of work in its tasks, summed over workers.
    pub task_seconds: Option<f64>,
    /// Frames per second of one such task.
    pub frames_per_second: Option<f64>,
}

/// Frames by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// With a result.
    pub result: u64,
    /// That could not be processed.
    pub failed: u64,
    /// That a rule left out.
    pub skipped: u64,
}

/// One item.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ItemReport {
    /// Its relative path.
    pub name: String,
    /// `video`, `sequence` or `stills`.
    pub kind: String,
    /// Width of the displayed picture, pixels.
    pub width: u32,
    /// Height of the displayed picture, pixels.
    pub height: u32,
    /// Whether pictures have sizes of their own: width and height are the largest.
    pub mixed_sizes: bool,
    /// Frames per second; absent for stills.
    pub fps: Option<f64>,
    /// Seconds that the job's part of it lasts; absent for stills.
    pub seconds: Option<f64>,
    /// Codec, by FFmpeg's name; may be empty.
    pub codec: String,
    /// Container, by FFmpeg's name; may be empty.
    pub container: String,
    /// Bits per channel.
    pub bit_depth: u32,
    /// Whether there is sound.
    pub audio: bool,
    /// Length of the file, or of all files of a folder, in bytes.
    pub bytes: u64,
    /// Failures in all steps: a frame that failed in two counts twice.
    pub failures: u64,
    /// The frames that the timelines span.
    pub axis: Axis,
    /// Pictures, by frame.
    pub thumbnails: Vec<Thumbnail>,
    /// The first shots, in order: no more than [`crate::MAX_SHOTS`].
    pub shots: Vec<ShotReport>,
    /// How many shots there are.
    pub shots_total: u64,
    /// Persons that were followed, by their beginning: no more than [`crate::MAX_TRACKS`], the longest.
    pub tracks: Vec<TrackReport>,
    /// How many there are.
    pub tracks_total: u64,
    /// Curves.
    pub series: Vec<Series>,
    /// Labels over time.
    pub bands: Vec<Band>,
}

/// How frames fall into the columns of the timelines: column i holds the frames
/// `start + i·frames_per_column` up to the next column, the last one up to `end`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Axis {
    /// First frame.
    pub start: u64,
    /// Frame after the last one.
    pub end: u64,
    /// Frames in a column, at least 1.
    pub frames_per_column: u64,
    /// Seconds from the item's start to the first frame of each column; empty for stills. A column without any record
    /// has none.
    pub seconds: Vec<Option<f64>>,
}

/// A picture of one frame.
#[derive(Clone, Debug, Serialize)]
pub struct Thumbnail {
    /// The frame.
    pub frame: u64,
    /// The name of the still that it is.
    pub file: Option<String>,
    /// Its time, nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// The bytes of a JPEG file, base64 in JSON.
    #[serde(serialize_with = "base64_text")]
    pub jpeg: Vec<u8>,
}

/// A shot.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ShotReport {
    /// From 0, within the item.
    pub number: u64,
    /// First frame.
    pub start: u64,
    /// Frame after the last one.
    pub end: u64,
    /// Time of its first frame, seconds from the item's start; absent for stills.
    pub start_seconds: Option<f64>,
    /// Time of its end.
    pub end_seconds: Option<f64>,
    /// What else is known about it, in the order in which it is to be read.
    pub labels: Vec<Label>,
}

/// A person who was followed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TrackReport {
    /// Its number, within the item.
    pub number: u32,
    /// First frame.
    pub start: u64,
    /// Frame after the last one.
    pub end: u64,
    /// Time of its first frame, seconds from the item's start; absent for stills.
    pub start_seconds: Option<f64>,
    /// Time of its last frame.
    pub end_seconds: Option<f64>,
    /// Frames in which the person was seen.
    pub seen: u64,
    /// What else is known about it, in the order in which it is to be read.
    pub labels: Vec<Label>,
    /// Pictures of the person.
    pub strip: Vec<Thumbnail>,
    /// Frames that show the person, and the boxes there: where the strip comes from.
    #[serde(skip)]
    pub shown: Vec<(u64, [f32; 4])>,
}

/// A named property in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Property, as in "Camera".
    pub name: String,
    /// Its value, as in "pan left".
    pub value: String,
}

/// One number over time: per column its least, mean and greatest value; `None` where no frame of the column has one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Series {
    /// Step that made it.
    pub step: String,
    /// What it is, for a person.
    pub name: String,
    /// Unit; may be empty.
    pub unit: String,
    /// Whether it is shown at once, rather than on request.
    pub primary: bool,
    /// Means.
    pub mean: Vec<Option<f32>>,
    /// Least values; empty when a column is one frame with one value.
    pub min: Vec<Option<f32>>,
    /// Greatest values; likewise.
    pub max: Vec<Option<f32>>,
}

/// One label over time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Band {
    /// Step that made it.
    pub step: String,
    /// What it is, for a person.
    pub name: String,
    /// Whether it is shown at once, rather than on request.
    pub primary: bool,
    /// Runs of one label, in order, not overlapping.
    pub runs: Vec<Run>,
}

/// Consecutive frames with one label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// First frame.
    pub start: u64,
    /// Frame after the last one.
    pub end: u64,
    /// The label, in words.
    pub label: String,
}

/// Frames that could not be processed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Failures {
    /// The first ones: no more than [`crate::MAX_FAILURES`].
    pub shown: Vec<Failure>,
    /// How many there are.
    pub total: u64,
    /// The command that tries exactly those again; may be empty.
    pub replay: String,
}

/// One frame that a step could not process.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Failure {
    /// Its item.
    pub item: String,
    /// The frame.
    pub frame: u64,
    /// The name of the image that it is, of sequences and stills.
    pub file: Option<String>,
    /// Its time, nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// The step.
    pub step: String,
    /// Short and stable, for counting.
    pub code: String,
    /// What was wrong.
    pub reason: String,
}

/// What submit made of the job.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlanSummary {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Execution class.
    pub class: String,
    /// Seed.
    pub seed: u64,
    /// Passes over the footage.
    pub passes: Vec<PassSummary>,
    /// Steps with their complete settings.
    pub steps: Vec<StepSettings>,
    /// Versions of the program and of what it links, name and version.
    pub versions: Vec<Label>,
}

/// One run over the footage.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PassSummary {
    /// Steps that look at frames in it.
    pub steps: Vec<String>,
    /// Why it exists; empty for the first.
    pub reason: String,
}

/// What a step ran with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepSettings {
    /// The step.
    pub step: String,
    /// Its stage.
    pub stage: String,
    /// The stage's version.
    pub version: u32,
    /// Every setting.
    pub settings: Map<String, Value>,
}

/// A named duration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Timing {
    /// What took it.
    pub name: String,
    /// Seconds.
    pub seconds: f64,
}

/// Bytes as base64 text.
fn base64_text<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    use base64::Engine;
    serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(bytes))
}

impl From<&framefleet_pipeline::Plan> for PlanSummary {
    /// The plan as the page shows it; versions are the caller's to add.
    fn from(plan: &framefleet_pipeline::Plan) -> Self {
        let step_name = |index: &usize| plan.steps.get(*index).map(|step| step.name.clone());
        let mut steps = vec![StepSettings {
            step: "ingest".to_owned(),
            stage: "ingest".to_owned(),
            version: plan.ingest_version,
            settings: plan.ingest.clone(),
        }];
        steps.extend(plan.steps.iter().map(|step| StepSettings {
            step: step.name.clone(),
            stage: step.stage.clone(),
            version: step.version,
            settings: step.settings.clone(),
        }));
        let passes = plan.passes.iter().map(|pass| PassSummary {
            steps: pass.process.iter().filter_map(step_name).collect(),
            reason: pass.reason.clone(),
        });
        Self {
            pipeline: plan.pipeline.clone(),
            class: plan.class.clone(),
            seed: plan.seed,
            passes: passes.collect(),
            steps,
            versions: Vec::new(),
        }
    }
}
