//! Why a pipeline is no plan. Every message says what is wrong, where, and what to change.
use crate::Half;
use bytesize::ByteSize;
use framefleet_frames::Kind;
use framefleet_stage::SettingsError;

/// A pipeline, a value in it, or a job that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The file is no pipeline: syntax, an unknown key, a value of the wrong type.
    #[error("{origin}: {problem}")]
    File {
        /// Where the text comes from: a path or the name of a preset.
        origin: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A text that stands for a sampling or a position and is none.
    #[error("\"{text}\" is no {what}; write {expected}")]
    Value {
        /// As given.
        text: String,
        /// What it should have been.
        what: &'static str,
        /// What is allowed.
        expected: &'static str,
    },
    /// `--set` with something that is no assignment.
    #[error("cannot set \"{assignment}\": {problem}")]
    Assignment {
        /// As given.
        assignment: String,
        /// What is wrong and what to write.
        problem: String,
    },
    /// A step's name is unfit for files, subjects and `--set`.
    #[error("\"{name}\" cannot be the name of a step: {problem}")]
    StepName {
        /// The name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// No step, or more than a plan may have.
    #[error("pipeline {pipeline} has {found} steps; it must have 1 to {max}")]
    StepCount {
        /// The pipeline.
        pipeline: String,
        /// How many it has.
        found: usize,
        /// How many it may have.
        max: usize,
    },
    /// A step's model cannot be had, or not run.
    #[error("step {step}: {problem}")]
    Model {
        /// The step.
        step: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file that a setting names cannot be had.
    #[error("step {step}: setting {setting} names {path}: {problem}")]
    SettingFile {
        /// The step.
        step: String,
        /// The setting.
        setting: String,
        /// What it names.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A step is named that the pipeline does not have.
    #[error("pipeline {pipeline} has no step \"{step}\"{used}; its steps: {known}")]
    UnknownStep {
        /// The pipeline.
        pipeline: String,
        /// The name.
        step: String,
        /// Where it was named, " (…)", or empty.
        used: String,
        /// The steps there are, joined by ", ".
        known: String,
    },
    /// A step's settings are longer than a task may be.
    #[error(
        "step {step}: its settings are {bytes} bytes of JSON, more than the {max} that travel with each task: put long lists and texts \
         into a file that a setting names"
    )]
    LongSettings {
        /// The step.
        step: String,
        /// Their length.
        bytes: usize,
        /// The most there may be.
        max: usize,
    },
    /// A task of a step would look at more frames than it can name.
    #[error(
        "step {step}: a task would look at {frames} frames, its batches and those around them; at most {max} can be: make its settings smaller"
    )]
    WideWindow {
        /// The step.
        step: String,
        /// How many.
        frames: u64,
        /// The most there may be.
        max: u64,
    },
    /// The stage, the profile or a setting does not exist or has a wrong value.
    #[error("step {step}: {source}")]
    Settings {
        /// The step.
        step: String,
        /// What is wrong.
        source: SettingsError,
    },
    /// No step makes anything that a step joins.
    #[error(
        "{step} joins {kinds}, and no step of the pipeline makes any of them; add a step of a stage that does: {makers}"
    )]
    NothingToJoin {
        /// The step.
        step: String,
        /// What it joins.
        kinds: String,
        /// Who makes that.
        makers: String,
    },
    /// No step makes what a half requires.
    #[error("{step}.{half} needs {kind}{reason}, and no step of the pipeline makes it{scope}; {fix}")]
    Unmet {
        /// The step with the need.
        step: String,
        /// Its half.
        half: Half,
        /// The kind.
        kind: Kind,
        /// Why it is needed when the stage does not ask for it, or empty.
        reason: &'static str,
        /// " over all frames" when only finish halves count.
        scope: &'static str,
        /// Who could make it.
        fix: String,
    },
    /// Several steps make what a half needs.
    #[error(
        "{step}.{half} needs {kind}, which {makers} make; choose one: needs = {{ {kind} = \"…\" }} in [steps.{step}]"
    )]
    Ambiguous {
        /// The step with the need.
        step: String,
        /// Its half.
        half: Half,
        /// The kind.
        kind: Kind,
        /// The steps that make it, joined by " and ".
        makers: String,
    },
    /// A kind has to be chosen among stages that the pipeline does not name.
    #[error("step {step} needs {kind}, which the stages {makers} make; add the one you want")]
    AmbiguousStage {
        /// The step with the need.
        step: String,
        /// The kind.
        kind: Kind,
        /// The stages that make it, joined by " and ".
        makers: String,
    },
    /// A step needs in process what only it makes.
    #[error(
        "{step}.process needs {kind}, which its own {maker} half makes: that takes two steps, one that makes {kind} and one that uses it"
    )]
    OwnKind {
        /// The step.
        step: String,
        /// The kind.
        kind: Kind,
        /// The half that makes it.
        maker: Half,
    },
    /// A finish half needs what another step makes per batch.
    #[error(
        "{step}.finish needs {kind}, which {maker} makes per batch: finish reads the records of its own step and what others make over all frames"
    )]
    FinishNeedsBatch {
        /// The step.
        step: String,
        /// The kind.
        kind: Kind,
        /// The step that makes it.
        maker: String,
    },
    /// An entry of a step's `needs` table that fits nothing.
    #[error("[steps.{step}] needs = {{ {kind} = \"{maker}\" }}: {problem}")]
    NeedsEntry {
        /// The step.
        step: String,
        /// The key.
        kind: Kind,
        /// The value.
        maker: String,
        /// What is wrong and what is possible.
        problem: String,
    },
    /// `input` of a step that cannot be.
    #[error("[steps.{step}] input = \"{input}\": {problem}")]
    Input {
        /// The step.
        step: String,
        /// The value.
        input: String,
        /// What is wrong and what is possible.
        problem: String,
    },
    /// `frames` of a step that cannot be.
    #[error("[steps.{step}] frames = \"{frames}\": {problem}")]
    Frames {
        /// The step.
        step: String,
        /// The value.
        frames: String,
        /// What is wrong and what is possible.
        problem: String,
    },
    /// Halves that wait for each other.
    #[error("the steps wait for each other: {path} (each arrow: is needed by)")]
    Cycle {
        /// "a.process → b.finish → a.process".
        path: String,
    },
    /// Made frames would have to outlive their pass.
    #[error(
        "step {reader} reads the frames that {maker} makes, but it can only run in a later pass ({why}), and frames do not outlive their pass; \
         let {reader} read the source (input = \"source\"), or drop what it waits for"
    )]
    LaterPass {
        /// The step that reads.
        reader: String,
        /// The step that makes.
        maker: String,
        /// Why it is later.
        why: String,
    },
    /// A range without frames.
    #[error("the job ends ({end}) before it starts ({start})")]
    Range {
        /// Its start.
        start: String,
        /// Its end.
        end: String,
    },
    /// A step encodes transparent frames as what has no alpha.
    #[error(
        "step {step}: the frames that it encodes are transparent, and its encoding keeps no alpha; set it to auto, prores, ffv1, png or tiff"
    )]
    NoAlpha {
        /// The step.
        step: String,
    },
    /// A step makes frames that cannot be.
    #[error("step {step} makes frames that cannot be: {problem}")]
    Made {
        /// The step.
        step: String,
        /// What is wrong with them, and of which item.
        problem: String,
    },
    /// The frames in flight do not fit into memory.
    #[error(
        "the job needs {} for frames in flight and may use {}: in pass {}, step {step} on {item} spans {batches} batches of {}{}, \
         and {}; allow more memory (--memory), or lessen the step's halo or group or the number of steps that make frames",
        ByteSize(*needed), ByteSize(*budget), pass + 1, ByteSize(*batch_bytes), with_slices(*slices, *slice_bytes),
        beside(*encoder_bytes, batch_bytes + slice_bytes)
    )]
    Memory {
        /// The pass, from 0.
        pass: usize,
        /// The step whose window is widest.
        step: String,
        /// The item with the largest frames.
        item: String,
        /// Batches that the window reaches, halos summed.
        batches: u64,
        /// Bytes of one batch.
        batch_bytes: u64,
        /// Slices of batches that the window reaches, where frames are made in parts.
        slices: u64,
        /// Bytes of the frames that are made in parts, of one slice.
        slice_bytes: u64,
        /// Bytes of the largest encoder of the pass.
        encoder_bytes: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        budget: u64,
    },
}

/// What frames that are made in parts add to a batch.
fn with_slices(slices: u64, bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" and {slices} slices of made frames of {}", ByteSize(bytes)) }
}

/// What is needed beside the window: the next batch, or an encoder, if that is larger.
fn beside(encoder: u64, next: u64) -> String {
    if encoder > next { format!("an encoder takes {}", ByteSize(encoder)) } else { "one more is prepared".to_owned() }
}
