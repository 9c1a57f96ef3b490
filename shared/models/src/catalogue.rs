//! The catalogue: what there is, and which of it a stage runs.
use crate::digest::Sha256;
use crate::error::ModelError;
use crate::file;
use crate::model::Model;
use crate::pins::Pins;
use std::path::Path;

/// Ids from this Jaro–Winkler similarity on are what somebody may have meant.
const ALIKE: f64 = 0.85;
/// So many of them are named.
const MOST_ALIKE: usize = 5;

/// A file of `models`, by the name it has there.
macro_rules! family {
    ($name:literal) => {
        (concat!("models/", $name, ".toml"), include_str!(concat!("../../../models/", $name, ".toml")))
    };
}

/// The catalogue that comes with the program: what is made of packages, then families of what publishers distribute.
const BUILT_IN: [(&str, &str); 8] = [
    family!("catalog"),
    family!("embeddings"),
    family!("detection"),
    family!("sam2"),
    family!("masks"),
    family!("restoration"),
    family!("faces"),
    family!("video"),
];

/// All models that can be chosen: those of the program and those of the user's own catalogues.
#[derive(Clone, Debug)]
pub struct Catalogue {
    models: Vec<Model>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    pub fn built_in() -> Result<Self, ModelError> {
        let empty = Self { models: Vec::new() };
        BUILT_IN.iter().try_fold(empty, |catalogue, (name, text)| catalogue.with(text, Path::new(name)))
    }

    /// A catalogue of this text alone; `origin` names it in errors, and its folder is where paths start.
    pub fn of_text(text: &str, origin: &Path) -> Result<Self, ModelError> {
        Self { models: Vec::new() }.with(text, origin)
    }

    /// This catalogue and the entries of a file of the same format. An id that is there already, and a second default for
    /// the same stage, role and profile, are refused: a file adds models, settings choose them.
    pub fn with_file(self, path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|error| ModelError::Catalogue {
            file: path.to_owned(),
            reason: format!("cannot be read: {error}"),
        })?;
        self.with(&text, path)
    }

    fn with(mut self, text: &str, origin: &Path) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::Catalogue { file: origin.to_owned(), reason };
        for model in file::parse(text, origin)? {
            if self.find(&model.id).is_some() {
                return Err(wrong(format!("there is a model \"{}\" already: choose another id", model.id)));
            }
            for (stage, profile) in defaults(&model) {
                if let Some(other) = self.default(stage, &model.role, profile) {
                    return Err(wrong(format!(
                        "model \"{}\": stage {stage} runs \"{}\" for {} in profile {profile} already; name a model in the stage's settings instead",
                        model.id, other.id, model.role
                    )));
                }
            }
            self.models.push(model);
        }
        self.exports_have_checkpoints().map_err(wrong)?;
        Ok(self)
    }

    fn exports_have_checkpoints(&self) -> Result<(), String> {
        for model in &self.models {
            for export in model.files.iter().filter_map(|file| file.source.export()) {
                let missing = export.checkpoints.iter().find(|id| self.find(id).is_none_or(Model::is_exported));
                if let Some(missing) = missing {
                    return Err(format!("model \"{}\": there is no checkpoint \"{missing}\"", model.id));
                }
            }
        }
        Ok(())
    }

    /// The models that are exported of a checkpoint; of a model that is exported itself, that model.
    pub fn exported_of(&self, id: &str) -> Result<Vec<&Model>, ModelError> {
        let asked = self.get(id)?;
        if asked.is_exported() {
            return Ok(vec![asked]);
        }
        let is_of = |model: &&Model| {
            let exports = model.files.iter().filter_map(|file| file.source.export());
            exports.flat_map(|export| &export.checkpoints).any(|checkpoint| checkpoint == id)
        };
        Ok(self.models.iter().filter(is_of).collect())
    }

    /// This catalogue with the digests that the user vouched for. A digest of the catalogue is never replaced.
    pub fn with_pins(mut self, pins: &Pins) -> Self {
        for model in &mut self.models {
            for file in &mut model.files {
                file.sha256 = file.sha256.or_else(|| pins.get(&model.id, &file.name));
            }
        }
        self
    }

    /// States the digest of a file whose digest the catalogue does not know.
    pub fn pin(&mut self, id: &str, file: Option<&str>, digest: Sha256, pins: &mut Pins) -> Result<(), ModelError> {
        let model = self.get(id)?.clone();
        let name = file.unwrap_or(&model.files[0].name).to_owned();
        let wrong = |reason: String| ModelError::Pin { id: id.to_owned(), file: name.clone(), reason };
        let known: Vec<&str> = model.files.iter().map(|file| file.name.as_str()).collect();
        if file.is_none() && known.len() > 1 {
            return Err(wrong(format!("it has several files: say FILE=DIGEST for each of {}", known.join(", "))));
        }
        match model.files.iter().find(|file| file.name == name) {
            None => return Err(wrong(format!("it has no such file; its files: {}", known.join(", ")))),
            Some(file) if file.sha256.is_some_and(|stated| stated != digest) => {
                return Err(wrong("the catalogue, or pins.toml in the cache, states another digest".to_owned()));
            }
            Some(_) => {}
        }
        pins.set(id, &name, digest);
        *self = self.clone().with_pins(pins);
        Ok(())
    }

    /// All models, in the order of the catalogue.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// A model by its id.
    pub fn get(&self, id: &str) -> Result<&Model, ModelError> {
        self.find(id).ok_or_else(|| ModelError::Unknown { id: id.to_owned(), alike: self.alike(id) })
    }

    /// Ids that resemble another, the most similar first.
    fn alike(&self, id: &str) -> Vec<String> {
        let id = id.to_lowercase();
        let similarity = |known: &str| if known.contains(&id) { 1.0 } else { strsim::jaro_winkler(known, &id) };
        let mut alike: Vec<(f64, &str)> =
            self.models.iter().map(|model| (similarity(&model.id), model.id.as_str())).collect();
        alike.retain(|(similarity, _)| *similarity >= ALIKE);
        alike.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        alike.into_iter().take(MOST_ALIKE).map(|(_, id)| id.to_owned()).collect()
    }

    fn find(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// The models of a role.
    pub fn by_role(&self, role: &str) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| model.role == role)
    }

    /// The models that a stage can use.
    pub fn by_stage(&self, stage: &str) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| model.stages.contains_key(stage))
    }

    /// The models that a stage runs in a profile when no setting names others: one for each role.
    pub fn defaults(&self, stage: &str, profile: &str) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| model.is_default(stage, profile))
    }

    fn default(&self, stage: &str, role: &str, profile: &str) -> Option<&Model> {
        self.defaults(stage, profile).find(|model| model.role == role)
    }

    /// The model of a role that a stage runs: what the setting names, else the one default of stage and profile.
    pub fn choose(&self, stage: &str, role: &str, profile: &str, setting: Option<&str>) -> Result<&Model, ModelError> {
        let known = || ids(self.by_role(role));
        match setting {
            Some(id) => self.by_role(role).find(|model| model.id == id).ok_or_else(|| ModelError::NotOfRole {
                id: id.to_owned(),
                role: role.to_owned(),
                known: known(),
            }),
            None => self.default(stage, role, profile).ok_or_else(|| ModelError::NoDefault {
                stage: stage.to_owned(),
                role: role.to_owned(),
                profile: profile.to_owned(),
                known: known(),
            }),
        }
    }

    /// The ONNX Runtime library for this machine's processor: with the CUDA and TensorRT providers for an NVIDIA device,
    /// or for the CPU alone.
    pub fn onnx_runtime(&self, nvidia: bool) -> Result<&Model, ModelError> {
        self.get(match (std::env::consts::ARCH, nvidia) {
            ("aarch64", _) => "onnxruntime-aarch64",
            (_, true) => "onnxruntime-gpu",
            (_, false) => "onnxruntime",
        })
    }
}

fn defaults(model: &Model) -> impl Iterator<Item = (&str, &str)> {
    model
        .stages
        .iter()
        .flat_map(|(stage, profiles)| profiles.iter().map(move |profile| (stage.as_str(), profile.as_str())))
}

fn ids<'a>(models: impl Iterator<Item = &'a Model>) -> Vec<String> {
    models.map(|model| model.id.clone()).collect()
}
