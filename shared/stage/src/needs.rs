//! What the halves of a stage read and make; the plan's graph is built from it.
use crate::Half;
use framefleet_formats::Encoding;
use framefleet_frames::{Kind, MadeFrames, Rendition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Frames before and after a batch that a step may look at but makes no output for. Counted in source frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halo {
    /// Frames before.
    pub before: u64,
    /// Frames after.
    pub after: u64,
}

/// Kinds that one half reads and makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfNeeds {
    /// Some step of the plan must make these.
    pub required: Vec<Kind>,
    /// Delivered when some step makes them.
    pub optional: Vec<Kind>,
    /// Made by process: scope batch. Made by finish: scope job.
    pub makes: Vec<Kind>,
    /// What it reads of the items' files beside frames.
    pub side_inputs: SideInputs,
}

/// Where full frames come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The source's own frames.
    #[default]
    Source,
    /// The latest step upstream that makes frames; the source when there is none.
    Latest,
}

/// What a half reads of the items beside frames and annotations; it is in the keys of the half's tasks, and what is not named here
/// is not there for it. Process has to wait for all of an item to be indexed then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideInputs {
    /// Audio: [`AudioSource`](crate::AudioSource), or packets of audio out of the item's file.
    pub audio: bool,
    /// All else in the item's file: subtitles, attachments, chapters, metadata.
    pub metadata: bool,
}

/// A model that a stage runs. Submit makes a model of it, by id and digest, and the plan keeps that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelNeed {
    /// What it is for, in the catalogue's words: `face-detection`.
    pub role: String,
    /// The id that a setting names; `None` takes the catalogue's default for the stage and profile.
    pub choice: Option<String>,
    /// Items per run, where a setting or the way the model is used says it; else what the model was tuned to, or the catalogue says.
    pub micro_batch: Option<usize>,
    /// Sizes of other open axes, by the names that the model gives them.
    pub dims: BTreeMap<String, usize>,
    /// Process: both halves may run it. Finish: finish alone does, and it is no part of process' key.
    pub half: Half,
}

impl ModelNeed {
    /// A model of this role, of which a setting may name another than the default.
    pub fn new(role: &str, choice: Option<&str>) -> Self {
        Self {
            role: role.to_owned(),
            choice: choice.map(str::to_owned),
            micro_batch: None,
            dims: BTreeMap::new(),
            half: Half::Process,
        }
    }

    /// The same with so many items per run.
    pub fn with_micro_batch(mut self, items: usize) -> Self {
        self.micro_batch = Some(items);
        self
    }

    /// The same with so many items per run if a setting says it.
    pub fn in_batches(self, said: Option<u32>) -> Self {
        match said {
            Some(items) => self.with_micro_batch(items as usize),
            None => self,
        }
    }

    /// The same, run by finish alone.
    pub fn only_finish(mut self) -> Self {
        self.half = Half::Finish;
        self
    }

    /// The same with an open axis of a fixed size.
    pub fn with_dim(mut self, name: &str, size: usize) -> Self {
        self.dims.insert(name.to_owned(), size);
        self
    }
}

/// What a stage needs and makes under given settings.
#[derive(Clone, Debug)]
pub struct Needs {
    /// The process half.
    pub process: HalfNeeds,
    /// The finish half.
    pub finish: HalfNeeds,
    /// Renditions that process looks at.
    pub renditions: Vec<Rendition>,
    /// Where full frames come from.
    pub input: Input,
    /// Frames around the batch, of pixels and of annotations alike.
    pub halo: Halo,
    /// Consecutive batches that one task spans; 1 for all but encoders.
    pub group: u64,
    /// Whether it joins what other steps find, the optional kinds of process: a plan has to make one of them at least, and a pipeline that
    /// is made of names of stages gets such a step when it makes two or more.
    pub joins: bool,
    /// What process makes of full frames. The runner checks every frame by it.
    pub made: Option<MadeFrames>,
    /// What process encodes full frames as: memory for the encoder is reserved while a task runs. Such a step makes no frames, and no
    /// kind that a process half of its pass reads: tasks that encode wait for memory, and nothing waits for them.
    pub encodes: Option<Encoding>,
    /// Whether process is there at all (a stage may be a finish alone).
    pub finish_only: bool,
    /// Models that either half runs, one per role.
    pub models: Vec<ModelNeed>,
    /// Verbs of the user's corrections that finish obeys; others are refused when they are made.
    pub edits: &'static [&'static str],
}

impl Default for Needs {
    /// Looks at proxies, one batch at a time, without halo, and makes nothing.
    fn default() -> Self {
        Self {
            process: HalfNeeds::default(),
            finish: HalfNeeds::default(),
            renditions: vec![Rendition::Proxy],
            input: Input::Source,
            halo: Halo::default(),
            group: 1,
            joins: false,
            made: None,
            encodes: None,
            finish_only: false,
            models: Vec::new(),
            edits: &[],
        }
    }
}
