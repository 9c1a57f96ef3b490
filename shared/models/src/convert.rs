//! Exports models of published checkpoints on the user's machine. What comes out depends on the versions that ran, so that its
//! digest is known afterwards: it is kept with the digests that the user vouched for.
use crate::cache::Installed;
use crate::catalogue::Catalogue;
use crate::digest::Sha256;
use crate::disk::create_folder;
use crate::error::{ModelError, access};
use crate::lock::Lock;
use crate::model::Model;
use crate::pull::Puller;
use crate::recipe;
use crate::source::Export;
use std::fs::File;
use std::path::Path;

impl Puller<'_> {
    /// Exports a model, and installs it. Fetches its checkpoints first where they are not here; whoever allowed the model's
    /// licence allowed theirs. A model that was exported before is left as it is, if it is sound.
    pub fn convert(&self, catalogue: &Catalogue, model: &Model) -> Result<Installed, ModelError> {
        self.allowed(model)?;
        let _lock = Lock::take(self.cache().folder(), &format!("convert-{}", model.id), &model.id, self.progress())?;
        let known = catalogue.clone().with_pins(&self.cache().pins()?);
        if let Ok(installed) = self.cache().installed(known.get(&model.id)?) {
            return Ok(installed);
        }
        let staging = self.staging()?;
        let folder = staging.path().join("model");
        create_folder(&folder)?;
        let mut exported = model.clone();
        for file in &mut exported.files {
            let to = folder.join(&file.name);
            let Some(export) = file.source.export() else {
                self.obtain(model, file, &to, staging.path())?;
                continue;
            };
            self.export(catalogue, export, &to, &staging.path().join(format!("{}.export", file.name)))?;
            file.sha256 = Some(digest(&to)?);
        }
        self.place(&folder, &self.cache().path(exported.digest()?), staging.path())?;
        self.keep(&exported)?;
        self.cache().installed(&exported)
    }

    fn export(&self, catalogue: &Catalogue, export: &Export, to: &Path, folder: &Path) -> Result<(), ModelError> {
        let mut inputs = Vec::new();
        for id in &export.checkpoints {
            inputs.push(self.fetch(catalogue.get(id)?)?.path().to_owned());
        }
        create_folder(folder)?;
        let environment = recipe::environment(&export.recipe).ok_or_else(|| ModelError::Recipe {
            recipe: export.recipe.clone(),
            reason: "there is no such export".to_owned(),
        })?;
        let python = self.python(environment)?;
        recipe::export(export, &inputs, to, folder, &python, self.progress())?;
        match to.is_file() {
            true => Ok(()),
            false => {
                let reason = "it ended well and wrote no file".to_owned();
                Err(ModelError::Recipe { recipe: export.recipe.clone(), reason })
            }
        }
    }

    /// Keeps the digests of what was exported.
    fn keep(&self, exported: &Model) -> Result<(), ModelError> {
        let _lock = Lock::take(self.cache().folder(), "pins", "another export", self.progress())?;
        let mut pins = self.cache().pins()?;
        for file in exported.files.iter().filter(|file| file.source.export().is_some()) {
            if let Some(sha256) = file.sha256 {
                pins.set(&exported.id, &file.name, sha256);
            }
        }
        self.cache().keep_pins(&pins)
    }
}

fn digest(path: &Path) -> Result<Sha256, ModelError> {
    let mut file = File::open(path).map_err(access("read", path))?;
    Sha256::of_reader(&mut file).map_err(access("read", path))
}
