//! Recipes: scripts that make a model of what a package ships in another format. The same inputs make the same bytes.
//!
//! A recipe runs with pinned libraries in a folder of the cache, needs no deep-learning framework, and never runs code of
//! the package that it reads.
use crate::digest::Sha256;
use crate::disk::create_folder;
use crate::environment::Environment;
use crate::error::{ModelError, access};
use crate::lock::Lock;
use crate::packages::{self, Tools};
use crate::progress::{Activity, Progress};
use crate::source::{Export, Making};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Their libraries, pinned.
pub(crate) const REQUIREMENTS: &str = include_str!("../../../tools/convert/requirements.txt");

/// A script of `tools/convert`, by the name it has there.
macro_rules! script {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../tools/convert/", $name, ".py")))
    };
}

/// The recipes there are.
const RECIPES: [(&str, &str); 10] = [
    script!("dequantise"),
    script!("efficientnet_lite"),
    script!("ffdnet"),
    script!("free_sizes"),
    script!("join"),
    script!("mediapipe"),
    script!("ncnn"),
    script!("rife"),
    script!("rvm"),
    script!("tfjs"),
];

/// What recipes share; `tfjs` is a recipe, too.
const SHARED: [(&str, &str); 5] =
    [script!("checkpoint"), script!("free_batch"), script!("graph"), script!("tfjs"), script!("tfjs_file")];

/// Exports that need numpy and onnx alone.
const GRAPHS: Environment = Environment { name: "graphs", requirements: REQUIREMENTS, sources: &[], variables: &[] };

/// SAM 2 as its publisher's own package runs it. The package has no wheels; without its CUDA code it builds everywhere.
const SAM2: Environment = Environment {
    name: "sam2",
    requirements: include_str!("../../../tools/convert/requirements-sam2.txt"),
    sources: &["sam2==1.1.0"],
    variables: &[("SAM2_BUILD_CUDA", "0")],
};

/// A script of `tools/parity`: the export that the parity fixtures are made with.
macro_rules! parity {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../tools/parity/", $name, ".py")))
    };
}

/// Exports of published checkpoints, and where they run.
const EXPORTS: [((&str, &str), Environment); 5] = [
    (script!("face_weight"), GRAPHS),
    (script!("lpips"), GRAPHS),
    (script!("s3fd"), GRAPHS),
    (script!("sam2_part"), SAM2),
    (script!("syncnet"), GRAPHS),
];

/// What the exports of SAM 2 share with the parity fixtures.
const SAM2_SHARED: [(&str, &str); 3] =
    [parity!("parity"), parity!("segment_anything"), parity!("segment_anything_memory")];

/// The recipes' names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().map(|(name, _)| *name)
}

/// The exports' names.
pub(crate) fn exports() -> impl Iterator<Item = &'static str> {
    EXPORTS.iter().map(|((name, _), _)| *name)
}

/// The environment of an export.
pub(crate) fn environment(export: &str) -> Option<&'static Environment> {
    EXPORTS.iter().find(|((name, _), _)| *name == export).map(|(_, environment)| environment)
}

/// File names and texts of an export and of what it uses.
pub(crate) fn scripts_of_export(export: &str) -> Vec<(String, &'static str)> {
    let own = EXPORTS.iter().filter(|((name, _), _)| *name == export).map(|(script, _)| script);
    own.chain(&SHARED).chain(&SAM2_SHARED).map(|(name, text)| (format!("{name}.py"), *text)).collect()
}

/// Exports checkpoints by the Python of the export's environment, in a folder of its own.
pub(crate) fn export(
    export: &Export,
    checkpoints: &[PathBuf],
    output: &Path,
    folder: &Path,
    python: &Path,
    progress: &dyn Progress,
) -> Result<(), ModelError> {
    let failed = |reason: String| ModelError::Recipe { recipe: export.recipe.clone(), reason };
    let scripts = folder.join("convert");
    write(&scripts, scripts_of_export(&export.recipe))?;
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH").arg("-s");
    command.arg(scripts.join(format!("{}.py", export.recipe))).arg("--output").arg(output);
    command.args(&export.arguments).args(checkpoints);
    let _activity = Activity::begin(progress, &export.to_string(), None);
    packages::run(&mut command, folder, || ()).map_err(failed)
}

fn write(folder: &Path, scripts: Vec<(String, &'static str)>) -> Result<(), ModelError> {
    create_folder(folder)?;
    for (name, text) in scripts {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(access("write", &path))?;
    }
    Ok(())
}

/// File names and texts of recipes and of what recipes share.
pub(crate) fn scripts_of(recipes: &[&str]) -> Vec<(String, &'static str)> {
    let is_shared = |name: &str| SHARED.iter().any(|(shared, _)| *shared == name);
    let used = RECIPES.iter().filter(|(name, _)| recipes.contains(name) && !is_shared(name));
    used.chain(&SHARED).map(|(name, text)| (format!("{name}.py"), *text)).collect()
}

/// Runs a recipe on its inputs, in a folder of its own.
pub(crate) fn run(
    making: &Making,
    inputs: &[PathBuf],
    output: &Path,
    folder: &Path,
    tools: &Tools,
    libraries: &Path,
    progress: &dyn Progress,
) -> Result<(), ModelError> {
    let failed = |reason: String| ModelError::Recipe { recipe: making.recipe.clone(), reason };
    let scripts = folder.join("convert");
    write(&scripts, scripts_of(&[&making.recipe]))?;
    let mut command = Command::new(&tools.python);
    command.env("PYTHONPATH", libraries).env("PYTHONDONTWRITEBYTECODE", "1").arg("-s");
    command.arg(scripts.join(format!("{}.py", making.recipe))).arg("--output").arg(output);
    command.args(&making.arguments).args(inputs);
    let _activity = Activity::begin(progress, &format!("recipe {}", making.recipe), None);
    packages::run(&mut command, folder, || ()).map_err(failed)
}

/// The folder of the recipes' libraries in the cache; installs them when they are not there.
///
/// `pip install --target` rather than a virtual environment: the folder can be put into place by one rename, and needs
/// nothing but pip.
pub(crate) fn libraries(
    cache: &Path,
    tools: &Tools,
    offline: bool,
    progress: &dyn Progress,
) -> Result<PathBuf, ModelError> {
    let failed = |reason: String| ModelError::Package { package: "the libraries of recipes".to_owned(), reason };
    let tag = packages::python_tag(tools).map_err(failed)?;
    // Libraries hold machine code for one version of Python.
    let digest = Sha256::of(format!("{tag}\n{REQUIREMENTS}").as_bytes());
    let name: String = digest.to_string().chars().take(16).collect();
    let folder = cache.join("python").join(&name);
    if folder.is_dir() {
        return Ok(folder);
    }
    if offline {
        return Err(ModelError::Offline { what: "the Python libraries that recipes use".to_owned() });
    }
    let _lock = Lock::take(cache, &format!("python-{name}"), "the libraries of recipes", progress)?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let parent = cache.join("python");
    create_folder(&parent)?;
    let staging = tempfile::tempdir_in(&parent).map_err(access("write in", &parent))?;
    let requirements = staging.path().join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).map_err(access("write", &requirements))?;
    let target = staging.path().join("libraries");
    let mut command = Command::new(&tools.python);
    command.args(["-m", "pip", "install", "--only-binary", ":all:", "--no-deps", "--no-compile", "--quiet"]);
    command.args(["--no-input", "--disable-pip-version-check", "--target"]).arg(&target).arg("-r").arg(&requirements);
    let _activity = Activity::begin(progress, "the libraries of recipes (pip)", None);
    packages::run(&mut command, staging.path(), || ()).map_err(failed)?;
    std::fs::rename(&target, &folder).map_err(access("create", &folder))?;
    Ok(folder)
}
