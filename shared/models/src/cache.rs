//! Where fetched models lie, and whether they are sound.
//!
//! `models/<digest>/<file>` is all that is read; the digest is the model's ([`Model::digest`]). A model's folder appears
//! whole, by one rename. `pins.toml` holds what the user vouched for; `archives`, `downloads`, `python`, `locks` and `tmp`
//! serve fetching.
use crate::digest::Sha256;
use crate::disk::create_folder;
use crate::error::{Mismatch, ModelError, access};
use crate::memo::Memo;
use crate::model::{Model, ModelFile};
use crate::pins::Pins;
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder of models, shared by all processes of a machine.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// A model that is here and sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// The model.
    pub id: String,
    /// Its digest, as plans and keys state it.
    pub digest: Sha256,
    /// Its files, in the order of the catalogue; the first is the one to open.
    pub files: Vec<InstalledFile>,
}

/// A file of a model that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstalledFile {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its digest.
    pub sha256: Sha256,
}

impl Cache {
    /// A cache in this folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where models lie unless the user says otherwise: `$FRAMEFLEET_CACHE`, else `framefleet` in `$XDG_CACHE_HOME` or
    /// `~/.cache`.
    pub fn default_folder() -> Result<PathBuf, ModelError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        variable("FRAMEFLEET_CACHE")
            .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("framefleet")))
            .or_else(|| variable("HOME").map(|home| home.join(".cache/framefleet")))
            .ok_or(ModelError::NoCacheFolder)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a model of this digest lies, if it is here.
    pub fn path(&self, digest: Sha256) -> PathBuf {
        self.folder.join("models").join(digest.to_string())
    }

    /// The digests that the user vouched for.
    pub fn pins(&self) -> Result<Pins, ModelError> {
        Pins::read(&self.pins_path())
    }

    /// Keeps the digests that the user vouched for.
    pub fn keep_pins(&self, pins: &Pins) -> Result<(), ModelError> {
        create_folder(&self.folder)?;
        pins.write(&self.pins_path())
    }

    fn pins_path(&self) -> PathBuf {
        self.folder.join("pins.toml")
    }

    /// The files of a model: there, of the right length, and of the right digest. A digest is taken once and again when a
    /// file has changed.
    pub fn installed(&self, model: &Model) -> Result<Installed, ModelError> {
        self.check(model, false)
    }

    /// Like [`installed`](Self::installed), hashing every byte again.
    pub fn verify(&self, model: &Model) -> Result<Installed, ModelError> {
        self.check(model, true)
    }

    fn check(&self, model: &Model, deep: bool) -> Result<Installed, ModelError> {
        let digest = model.digest()?;
        let folder = self.path(digest);
        let mut memo = Memo::open(&folder);
        let mut files = Vec::new();
        for file in &model.files {
            let path = folder.join(&file.name);
            let sha256 = model.pinned(file)?;
            self.check_file(model, file, &path, &mut memo, deep)?;
            files.push(InstalledFile { name: file.name.clone(), path, sha256 });
        }
        memo.save();
        Ok(Installed { id: model.id.clone(), digest, files })
    }

    fn check_file(
        &self,
        model: &Model,
        file: &ModelFile,
        path: &Path,
        memo: &mut Memo,
        deep: bool,
    ) -> Result<(), ModelError> {
        let damaged = |damage| ModelError::Damaged { id: model.id.clone(), path: path.to_owned(), damage };
        let mut open = match File::open(path) {
            Ok(open) => open,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (id, command) = (model.id.clone(), model.pull_command());
                return Err(ModelError::NotInstalled { id, command, folder: self.folder.clone() });
            }
            Err(error) => return Err(access("read", path)(error)),
        };
        let metadata = open.metadata().map_err(access("read", path))?;
        if let Some(expected) = file.size.filter(|size| *size != metadata.len()) {
            return Err(damaged(Mismatch::Size { expected, found: metadata.len() }));
        }
        let remembered = if deep { None } else { memo.get(&file.name, &metadata) };
        let found = match remembered {
            Some(digest) => digest,
            None => {
                let digest = Sha256::of_reader(&mut open).map_err(access("read", path))?;
                memo.set(&file.name, &metadata, digest);
                digest
            }
        };
        let expected = model.pinned(file)?;
        if found == expected { Ok(()) } else { Err(damaged(Mismatch::Digest { expected, found })) }
    }
}

impl Installed {
    /// The file to open: the first, which every model has (a catalogue with another is not read).
    pub fn path(&self) -> &Path {
        &self.files[0].path
    }

    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.files.iter().find(|file| file.name == name).map(|file| file.path.as_path())
    }
}
