//! Variants: a model's file in another precision, made on this machine.
//!
//! `variants/<digest of the model>-<precision>.json` says what was made and how it differs; the file lies where files of models do, under
//! its own digest.
use crate::cache::{Cache, Installed, InstalledFile};
use crate::digest::Sha256;
use crate::disk::{create_folder, write_whole};
use crate::error::{Mismatch, ModelError, access};
use crate::model::Model;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What was made of a model's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Id of the model.
    pub model: String,
    /// Digest of the model.
    pub of: Sha256,
    /// What it computes in: `fp16` or `int8`.
    pub precision: String,
    /// Name of its file.
    pub file: String,
    /// Bytes of it.
    pub size: u64,
    /// Digest of it, by which plans and keys know it.
    pub sha256: Sha256,
    /// The libraries that made it, with their versions.
    pub made_by: String,
    /// What it was calibrated on; `None` where nothing had to be.
    pub calibrated_on: Option<String>,
    /// What its outputs were compared on.
    pub compared_on: String,
    /// How its outputs differ from the model's.
    pub differences: Vec<Difference>,
    /// How many times as fast as the model it is, on one thread of the CPU that made it; variants of earlier releases do not say.
    #[serde(default)]
    pub speed: Option<f64>,
}

/// How an output of a variant differs from the model's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of the output.
    pub output: String,
    /// Mean of the absolute difference.
    pub mean: f64,
    /// Largest absolute difference.
    pub largest: f64,
    /// Standard deviation of the model's own output: what the others are to be compared with.
    pub spread: f64,
}

impl Cache {
    /// The variant of a model in a precision, if it was made here and is sound.
    pub fn variant(&self, model: &Model, precision: &str) -> Result<Option<Installed>, ModelError> {
        let Some(variant) = self.variant_made(model, precision)? else { return Ok(None) };
        let path = self.path(variant.sha256).join(&variant.file);
        let damaged =
            |damage| ModelError::Damaged { id: format!("{} ({precision})", model.id), path: path.clone(), damage };
        let size = std::fs::metadata(&path).map_err(access("read", &path))?.len();
        if size != variant.size {
            return Err(damaged(Mismatch::Size { expected: variant.size, found: size }));
        }
        // All bytes are hashed when a session opens it.
        let file = InstalledFile { name: variant.file.clone(), path: path.clone(), sha256: variant.sha256 };
        Ok(Some(Installed { id: model.id.clone(), digest: variant.sha256, files: vec![file] }))
    }

    /// What was made of a model in a precision.
    pub fn variant_made(&self, model: &Model, precision: &str) -> Result<Option<Variant>, ModelError> {
        let path = self.variant_path(model.digest()?, precision);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(access("read", &path)(error)),
        };
        let unreadable =
            |error: serde_json::Error| ModelError::Catalogue { file: path.clone(), reason: error.to_string() };
        serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
    }

    /// Takes the file of a variant in; one that was there before is replaced.
    pub fn keep_variant(&self, variant: &Variant, made: &Path) -> Result<(), ModelError> {
        let folder = self.path(variant.sha256);
        create_folder(&folder)?;
        let place = folder.join(&variant.file);
        let half = tempfile::NamedTempFile::new_in(&folder).map_err(access("write in", &folder))?;
        std::fs::copy(made, half.path()).map_err(access("write", half.path()))?;
        half.persist(&place).map_err(|error| access("write", &place)(error.error))?;
        let path = self.variant_path(variant.of, &variant.precision);
        create_folder(path.parent().unwrap_or(self.folder()))?;
        // Plain numbers and names: there is nothing in it that JSON cannot say.
        let text = serde_json::to_vec_pretty(variant).unwrap_or_default();
        write_whole(&path, &text)
    }

    fn variant_path(&self, of: Sha256, precision: &str) -> PathBuf {
        self.folder().join("variants").join(format!("{of}-{precision}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    const TEXT: &str = r#"
        [[model]]
        id = "m"
        role = "r"
        about = "a"
        architecture = "x"
        licence = "MIT"
        commercial_use = "yes"
        files = [{ name = "m.onnx", sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", from = { path = "m.onnx" } }]
    "#;

    #[test]
    fn a_variant_is_found_by_model_and_precision_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, catalogue) = (Cache::new(folder.path()), Catalogue::of_text(TEXT, Path::new("t.toml")).unwrap());
        let model = catalogue.get("m").unwrap();
        assert_eq!(cache.variant(model, "fp16").unwrap(), None);
        let made = folder.path().join("made");
        std::fs::write(&made, b"half").unwrap();
        let variant = Variant {
            model: "m".to_owned(),
            of: model.digest().unwrap(),
            precision: "fp16".to_owned(),
            file: "m-fp16.onnx".to_owned(),
            size: 4,
            sha256: Sha256::of(b"half"),
            made_by: String::new(),
            calibrated_on: None,
            compared_on: "noise".to_owned(),
            differences: vec![Difference { output: "y".to_owned(), mean: 0.5, largest: 1.0, spread: 3.0 }],
            speed: None,
        };
        cache.keep_variant(&variant, &made).unwrap();
        assert_eq!(cache.variant_made(model, "fp16").unwrap(), Some(variant.clone()));
        let found = cache.variant(model, "fp16").unwrap().unwrap();
        assert_eq!((found.digest, std::fs::read(found.path()).unwrap()), (variant.sha256, b"half".to_vec()));
        assert_eq!(cache.variant(model, "int8").unwrap(), None);
        std::fs::write(found.path(), b"ha").unwrap();
        assert!(matches!(cache.variant(model, "fp16"), Err(ModelError::Damaged { .. })));
    }
}
