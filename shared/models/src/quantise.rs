//! Makes variants of models in fewer bits, on this machine: a recipe in an environment of its own.
use crate::digest::Sha256;
use crate::environment::Environment;
use crate::error::{ModelError, access};
use crate::lock::Lock;
use crate::model::{Format, Model};
use crate::packages;
use crate::progress::Activity;
use crate::pull::Puller;
use crate::variant::{Difference, Variant};
use serde::Deserialize;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPT: &str = include_str!("../../../tools/quantise.py");

const QUANTISE: Environment = Environment {
    name: "quantise",
    requirements: include_str!("../../../tools/convert/requirements-quantise.txt"),
    sources: &[],
    variables: &[],
};

/// What a model was given: what a variant is calibrated on, and compared on.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Folder of `<run>-<input>.npy`.
    pub runs: PathBuf,
    /// What that is, in words.
    pub what: String,
}

/// What the recipe says.
#[derive(Deserialize)]
struct Report {
    made_by: String,
    runs: usize,
    compared_on: String,
    differences: Vec<Difference>,
    speed: f64,
}

impl Puller<'_> {
    /// Makes the variant of an installed model in a precision (`fp16`, or `int8`, which has to be calibrated), and keeps it; one that was made
    /// before is replaced.
    pub fn quantise(
        &self,
        model: &Model,
        precision: &str,
        calibration: Option<&Calibration>,
    ) -> Result<Variant, ModelError> {
        let failed = |reason: String| ModelError::Recipe { recipe: "quantise".to_owned(), reason };
        let installed = self.cache().installed(model)?;
        let [file] = installed.files.as_slice() else {
            return Err(failed(format!("{} has several files: only a model of one file has variants", model.id)));
        };
        if model.format != Format::Onnx {
            return Err(failed(format!("{} is no ONNX file", model.id)));
        }
        let _lock = Lock::take(self.cache().folder(), &format!("quantise-{}", model.id), &model.id, self.progress())?;
        let python = self.python(&QUANTISE)?;
        let staging = self.staging()?;
        let (script, report) = (staging.path().join("quantise.py"), staging.path().join("report.json"));
        std::fs::write(&script, SCRIPT).map_err(access("write", &script))?;
        let name = format!("{}-{precision}.onnx", model.id);
        let made = staging.path().join(&name);
        let mut command = Command::new(python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH").arg("-s").arg(&script);
        command.arg(precision).arg(&file.path).arg(&made).arg("--report").arg(&report);
        if let Some(calibration) = calibration {
            command.arg("--runs").arg(&calibration.runs);
        }
        let activity = Activity::begin(self.progress(), &format!("{} in {precision}", model.id), None);
        packages::run(&mut command, staging.path(), || ()).map_err(failed)?;
        drop(activity);
        let said = read(&report)?;
        let what = calibration.map(|calibration| format!("{} runs of {}", said.runs, calibration.what));
        let compared_on = match &what {
            Some(what) => format!("{what}, {}", said.compared_on),
            None => said.compared_on,
        };
        let size = std::fs::metadata(&made).map_err(access("read", &made))?.len();
        let mut bytes = File::open(&made).map_err(access("read", &made))?;
        let variant = Variant {
            model: model.id.clone(),
            of: installed.digest,
            precision: precision.to_owned(),
            file: name,
            size,
            sha256: Sha256::of_reader(&mut bytes).map_err(access("read", &made))?,
            made_by: said.made_by,
            calibrated_on: what.filter(|_| precision == "int8"),
            compared_on,
            differences: said.differences,
            speed: Some(said.speed),
        };
        self.cache().keep_variant(&variant, &made)?;
        Ok(variant)
    }
}

fn read(path: &Path) -> Result<Report, ModelError> {
    let bytes = std::fs::read(path).map_err(access("read", path))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ModelError::Recipe { recipe: "quantise".to_owned(), reason: format!("its report: {error}") })
}
