//! What can go wrong with models, by what a person does about it.
use crate::digest::Sha256;
use std::path::PathBuf;

/// A model cannot be chosen, fetched or used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A catalogue that cannot be read.
    #[error("catalogue {}: {reason}", file.display())]
    Catalogue {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// No such model.
    #[error("there is no model \"{id}\"{}; `framefleet models list` shows all", did_you_mean(alike))]
    Unknown {
        /// What was asked for.
        id: String,
        /// Ids that resemble it, the most similar first.
        alike: Vec<String>,
    },
    /// A setting names a model that does something else.
    #[error("there is no model \"{id}\" for {role}; there are: {}", known.join(", "))]
    NotOfRole {
        /// What was asked for.
        id: String,
        /// What is needed.
        role: String,
        /// Ids of that role.
        known: Vec<String>,
    },
    /// Nothing runs by default.
    #[error("stage {stage} has no default for {role} in profile {profile}: name one of {}", known.join(", "))]
    NoDefault {
        /// The stage.
        stage: String,
        /// What is needed.
        role: String,
        /// The profile.
        profile: String,
        /// Ids of that role.
        known: Vec<String>,
    },
    /// It is not in the cache.
    #[error("model {id} is not installed in {}: run `{command}`", folder.display())]
    NotInstalled {
        /// The model.
        id: String,
        /// What fetches it.
        command: String,
        /// The cache.
        folder: PathBuf,
    },
    /// A file in the cache is not what the catalogue says.
    #[error("{} of model {id} is damaged ({damage}): run `framefleet models pull {id}` to fetch it again", path.display())]
    Damaged {
        /// The model.
        id: String,
        /// The file.
        path: PathBuf,
        /// What differs.
        damage: Mismatch,
    },
    /// Nobody has said what the file's digest has to be.
    #[error(
        "the digest of {file} of model {id} is not known to the catalogue: get it from its publisher, then run `framefleet models pull {id} --sha256 {file}=DIGEST`"
    )]
    Unpinned {
        /// The model.
        id: String,
        /// The file.
        file: String,
    },
    /// A model that is exported on the user's machine was not exported yet.
    #[error("model {id} is exported from a published checkpoint, which was not done here: run `{command}`")]
    NotConverted {
        /// The model.
        id: String,
        /// What exports it.
        command: String,
    },
    /// An export was asked for of what is none.
    #[error("there is nothing to convert for {id}: {reason}")]
    NothingToConvert {
        /// The model.
        id: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A file takes or gives other tensors than its entry says.
    #[error("model {id}: {tensor} {reason}; a stage that runs it would fail: name another model, or correct the entry")]
    Signature {
        /// The model.
        id: String,
        /// Which tensor: `input "image"`.
        tensor: String,
        /// What differs.
        reason: String,
    },
    /// There is too little space.
    #[error(
        "{} needs {needed} bytes and has {free} free: make space, or name another folder with --cache", folder.display()
    )]
    DiskFull {
        /// The folder.
        folder: PathBuf,
        /// Bytes that would be written.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A mirror folder does not hold what is needed.
    #[error("{what} is not in {}: {seen}", folder.display())]
    NotInMirror {
        /// What is needed: its file's name, digest and address.
        what: String,
        /// The mirror.
        folder: PathBuf,
        /// What is there instead, and what to do.
        seen: String,
    },
    /// A pin that fits nothing.
    #[error("--sha256 for {file} of model {id}: {reason}")]
    Pin {
        /// The model.
        id: String,
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The licence has to be allowed by name.
    #[error(
        "the licence of model {id} is {licence} ({reason}): if that is fine for what you do, allow it with `--allow-licence {id}` or `--allow-licence {licence}`"
    )]
    Licence {
        /// The model.
        id: String,
        /// Its licence.
        licence: String,
        /// Why that needs to be allowed.
        reason: String,
    },
    /// The network is not to be used.
    #[error("{what} is not here, and --offline forbids fetching it: run once without --offline")]
    Offline {
        /// What is needed.
        what: String,
    },
    /// A download failed.
    #[error("cannot fetch {url}: {reason}")]
    Download {
        /// The address.
        url: String,
        /// What happened, and what to do.
        reason: String,
    },
    /// A package cannot be fetched.
    #[error("cannot fetch {package}: {reason}")]
    Package {
        /// The package.
        package: String,
        /// What happened, and what to do.
        reason: String,
    },
    /// An archive does not hold what it should, or cannot be read.
    #[error("cannot take {path} out of {archive}: {reason}")]
    Archive {
        /// The package or file.
        archive: String,
        /// Path inside it.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// What was fetched is something else.
    #[error("{what} is not what the catalogue says ({mismatch}): it was not used")]
    Mismatch {
        /// The file, and where it came from.
        what: String,
        /// What differs.
        mismatch: Mismatch,
    },
    /// A recipe failed.
    #[error("recipe {recipe} failed: {reason}")]
    Recipe {
        /// The recipe.
        recipe: String,
        /// What happened, and what to do.
        reason: String,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}; check that it is readable, writable and has space", path.display())]
    Access {
        /// What was tried: "create", "write", …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There is no place for the cache.
    #[error("there is no place for models: set FRAMEFLEET_CACHE, XDG_CACHE_HOME or HOME to a folder")]
    NoCacheFolder,
}

/// How a file differs from what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// In length.
    Size {
        /// Bytes it should have.
        expected: u64,
        /// Bytes it has, or had when reading stopped.
        found: u64,
    },
    /// In content.
    Digest {
        /// The digest it should have.
        expected: Sha256,
        /// The digest it has.
        found: Sha256,
    },
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size { expected, found } => write!(formatter, "{found} bytes, expected {expected}"),
            Self::Digest { expected, found } => write!(formatter, "sha256 {found}, expected {expected}"),
        }
    }
}

/// Turns the system's answer into an error that says what was tried on which file.
pub(crate) fn access(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> ModelError {
    let path = path.to_owned();
    move |source| ModelError::Access { action, path, source }
}

fn did_you_mean(alike: &[String]) -> String {
    if alike.is_empty() { String::new() } else { format!(": did you mean {}", alike.join(", ")) }
}
