//! What submit makes of a job and nothing changes afterwards.
use crate::{Half, JobRange, MemoryPlan, PlannedFile, PlannedModel, Sampling};
use framefleet_formats::Encoding;
use framefleet_frames::{Item, ItemKind, Kind, MadeFrames, Rendition};
use framefleet_stage::{Halo, SideInputs, settings_of};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Who makes a kind that a half reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// The kind.
    pub kind: Kind,
    /// Index of the step that makes it.
    pub step: usize,
    /// Process: scope batch. Finish: scope job.
    pub half: Half,
    /// Whether a frame without it is skipped(upstream).
    pub required: bool,
}

/// What one half reads and makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HalfPlan {
    /// Providers of its needs, in order of kind.
    pub providers: Vec<Provider>,
    /// Kinds it makes.
    pub makes: Vec<Kind>,
    /// What it reads of the items' files.
    pub side_inputs: SideInputs,
}

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PixelSource {
    /// Decoded from the source.
    Ingest,
    /// Made by the step of this index.
    Step(usize),
}

/// A rendition that a step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PixelInput {
    /// As the stage asks for it.
    #[serde(serialize_with = "rendition_name")]
    pub rendition: Rendition,
    /// Where it comes from.
    pub source: PixelSource,
}

/// A step with everything resolved.
#[derive(Clone, Debug, Serialize)]
pub struct StepPlan {
    /// Its name in the pipeline.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// The stage's version.
    pub version: u32,
    /// Every setting with its value; files by their digests. A half is loaded with [`StepPlan::settings_of`].
    pub settings: Map<String, Value>,
    /// The settings that finish alone reads.
    pub finish_settings: BTreeSet<String>,
    /// The files that settings name.
    pub files: Vec<PlannedFile>,
    /// The models it runs, by role.
    pub models: Vec<PlannedModel>,
    /// Which frames it does. `per-shot N` has a provider of `shot` among those of process.
    pub sampling: Sampling,
    /// The process half; `None` when the stage is a finish alone.
    pub process: Option<HalfPlan>,
    /// The finish half.
    pub finish: HalfPlan,
    /// Renditions that process looks at.
    pub pixels: Vec<PixelInput>,
    /// Frames around the batch that process may look at; see [`StepPlan::halo_for`].
    pub halo: Halo,
    /// Batches per task; parts of batches where [`Plan::part_frames`] says so.
    pub group: u64,
    /// What process makes of full frames.
    pub made: Option<MadeFrames>,
    /// What process encodes full frames as.
    pub encodes: Option<Encoding>,
    /// Pass in which process runs (that of finish, when the stage is a finish alone); finish follows at the end of
    /// `finish_pass`.
    pub pass: usize,
    /// Pass at whose end finish runs.
    pub finish_pass: usize,
}

/// One run over the footage.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PassPlan {
    /// Steps whose process half runs in it, providers first.
    pub process: Vec<usize>,
    /// Steps whose finish half follows it, providers first.
    pub finish: Vec<usize>,
    /// Why the pass exists: "inpainting needs identity, which face-clustering makes over all frames".
    pub reason: String,
}

/// A plan.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Settings of the ingest stage, complete.
    pub ingest: Map<String, Value>,
    /// The ingest stage's version.
    pub ingest_version: u32,
    /// Execution class of all that is no model (the processor's dispatch level): keyed.
    pub class: String,
    /// Steps, in the order of their first halves: a step whose process half reads what another makes comes after it.
    pub steps: Vec<StepPlan>,
    /// Passes, in order; at least one.
    pub passes: Vec<PassPlan>,
    /// Which part of every item is done.
    pub range: JobRange,
    /// Seed for whatever is random.
    pub seed: u64,
    /// What the job may occupy, and what it must.
    pub memory: MemoryPlan,
}

impl StepPlan {
    /// Frames around a batch of this item that process may look at: none for stills, which have no neighbours.
    pub fn halo_for(&self, item: &Item) -> Halo {
        if item.kind() == ItemKind::Stills { Halo::default() } else { self.halo }
    }

    /// Batches of this item that a task spans: one of stills, so that a task of pictures stays what it is when more are added.
    pub fn group_for(&self, item: &Item) -> u64 {
        if item.kind() == ItemKind::Stills { 1 } else { self.group.max(1) }
    }

    /// The settings that a half is loaded with, all of which are in its key.
    pub fn settings_of(&self, half: Half) -> Map<String, Value> {
        settings_of(half, &self.settings, &self.finish_settings)
    }

    /// The models that a half is given.
    pub fn models_of(&self, half: Half) -> impl Iterator<Item = &PlannedModel> {
        self.models.iter().filter(move |model| half.is_given(model.half))
    }

    /// The files that a half is given.
    pub fn files_of(&self, half: Half) -> impl Iterator<Item = &PlannedFile> {
        self.files.iter().filter(move |file| half.is_given(file.half))
    }
}

impl Plan {
    /// Execution class of the workers that do a step: those whose device runs its models.
    pub fn class_of(&self, step: usize) -> &str {
        let model = self.steps.get(step).and_then(|step| step.models.first());
        model.map_or(&self.class, |model| &model.mode.class)
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<(usize, &StepPlan)> {
        self.steps.iter().enumerate().find(|(_, step)| step.name == name)
    }
}

/// Renditions by name, as in DESIGN's words.
fn rendition_name<S: serde::Serializer>(rendition: &Rendition, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match rendition {
        Rendition::Proxy => "proxy",
        _ => "full",
    })
}
