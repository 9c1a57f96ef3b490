//! What the catalogue says of a model.
use crate::digest::Sha256;
use crate::error::ModelError;
use crate::source::Source;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One entry of the catalogue.
#[derive(Clone, Debug, Serialize)]
pub struct Model {
    /// Its name everywhere: settings, plans, commands.
    pub id: String,
    /// What it is for: models of one role can stand in for each other (`face-detection`, …).
    pub role: String,
    /// What it is, in one line.
    pub about: String,
    /// Name of its architecture.
    pub architecture: String,
    /// What its files are.
    pub format: Format,
    /// Licence of the weights, as an SPDX expression (`LicenseRef-…` where there is none).
    pub licence: String,
    /// Whether the licence lets them be used commercially.
    pub commercial_use: CommercialUse,
    /// Whether the licence asks for the same licence on what is built with them.
    pub copyleft: bool,
    /// Where the licence was read, what is unclear about it.
    pub licence_note: String,
    /// Its files; the first is the one that is opened.
    pub files: Vec<ModelFile>,
    /// Inputs of the model, by name.
    pub inputs: Vec<Tensor>,
    /// Outputs of the model, by name.
    pub outputs: Vec<Tensor>,
    /// How an input is made: colour order, range, size, layout.
    pub preprocessing: String,
    /// What the outputs mean.
    pub meaning: String,
    /// Stages that can use it, each with the profiles under which it runs when no setting names a model.
    pub stages: BTreeMap<String, Vec<String>>,
    /// What was measured or compared, and with what.
    pub checked: String,
    /// Milliseconds of one run on one CPU thread (Intel Xeon, 2026), where measured.
    pub cpu_ms: Option<f64>,
    /// How many items a run takes.
    pub batch: Batch,
}

/// How many items a run of a model takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Batch {
    /// Any number: the first axis is free. So many are run together unless somebody tuned the model or a setting says more.
    Free {
        /// On a CPU.
        cpu: usize,
        /// On a GPU, where its memory suits as many.
        gpu: usize,
    },
    /// One, and why.
    One(String),
}

/// What a model's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A model in ONNX.
    Onnx,
    /// A model in TorchScript.
    Torchscript,
    /// Weights as their publisher distributes them: no session can open them until they are exported.
    Checkpoint,
    /// A shared library.
    Library,
    /// Numbers that an algorithm reads.
    Table,
}

/// Whether a licence lets weights be used commercially.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommercialUse {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It does not say, or sources disagree.
    Unclear,
}

/// One file of a model.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFile {
    /// Its name in the cache: one path component.
    pub name: String,
    /// Bytes; `None` when nobody has fetched it yet.
    pub size: Option<u64>,
    /// Its digest; `None` when it is not known, and then the user has to state it before it is used.
    pub sha256: Option<Sha256>,
    /// Where it comes from.
    pub source: Source,
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its name in the graph; `*` where no source states it: then it is known by its place alone.
    pub name: String,
    /// Its elements.
    #[serde(rename = "type")]
    pub element: Element,
    /// Its sizes, outermost first.
    pub shape: Vec<Dimension>,
}

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Element {
    F32,
    F16,
    F64,
    I64,
    I32,
    U8,
    I8,
    Bool,
}

/// A size of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dimension {
    /// So many, always.
    Fixed(u64),
    /// As many as the caller has; the same name means the same number.
    Named(String),
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => size.fmt(formatter),
            Self::Named(name) => name.fmt(formatter),
        }
    }
}

impl Model {
    /// What the model is known by in plans and keys: the digest of its file; of several, the digest of their names and
    /// digests in the order of the catalogue.
    pub fn digest(&self) -> Result<Sha256, ModelError> {
        let mut listing = String::new();
        let mut last = None;
        for file in &self.files {
            let digest = self.pinned(file)?;
            listing.push_str(&format!("{digest}  {}\n", file.name));
            last = Some(digest);
        }
        match (self.files.len(), last) {
            (1, Some(only)) => Ok(only),
            _ => Ok(Sha256::of(listing.as_bytes())),
        }
    }

    /// The digest of one of its files, which has to be known.
    pub(crate) fn pinned(&self, file: &ModelFile) -> Result<Sha256, ModelError> {
        file.sha256.ok_or_else(|| match file.source.export() {
            Some(_) => ModelError::NotConverted { id: self.id.clone(), command: self.convert_command() },
            None => ModelError::Unpinned { id: self.id.clone(), file: file.name.clone() },
        })
    }

    /// Whether it is a file that steps read (a vocabulary, names of classes) instead of a model that runs.
    pub fn is_read(&self) -> bool {
        self.format == Format::Table
    }

    /// Whether it is exported from checkpoints on the user's machine.
    pub fn is_exported(&self) -> bool {
        self.files.iter().any(|file| file.source.export().is_some())
    }

    /// Bytes of all its files; `None` when one of them is not known.
    pub fn size(&self) -> Option<u64> {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The command that fetches it, or that exports it again.
    pub fn pull_command(&self) -> String {
        if self.is_exported() { self.convert_command() } else { self.command("pull") }
    }

    /// The command that exports it.
    pub(crate) fn convert_command(&self) -> String {
        self.command("convert")
    }

    fn command(&self, verb: &str) -> String {
        let id = &self.id;
        let allowance = if self.is_gated() { format!(" --allow-licence {id}") } else { String::new() };
        format!("framefleet models {verb} {id}{allowance}")
    }

    /// Whether it may only be used when its licence was allowed by name.
    pub fn is_gated(&self) -> bool {
        self.copyleft || self.commercial_use != CommercialUse::Yes
    }

    /// Whether it runs in this stage and profile when no setting names a model.
    pub fn is_default(&self, stage: &str, profile: &str) -> bool {
        self.stages.get(stage).is_some_and(|profiles| profiles.iter().any(|known| known == profile))
    }
}
