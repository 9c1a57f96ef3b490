//! Recipes: scripts that make a model of what a package ships in another format. The same inputs make the same bytes.
//!
//! A recipe runs with pinned libraries in a folder of the cache, needs no deep-learning framework, and never runs code of
//! the package that it reads.
use crate::digest::Sha256;
use crate::disk::create_folder;
use crate::error::{ModelError, access};
use crate::lock::Lock;
use crate::packages::{self, Tools};
use crate::progress::{Activity, Progress};
use crate::source::Making;
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
const SHARED: [(&str, &str); 4] = [script!("checkpoint"), script!("graph"), script!("tfjs"), script!("tfjs_file")];

/// The recipes' names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().map(|(name, _)| *name)
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
    create_folder(&scripts)?;
    for (name, text) in scripts_of(&[&making.recipe]) {
        let path = scripts.join(name);
        std::fs::write(&path, text).map_err(access("write", &path))?;
    }
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
    let name = environment_name(tools).map_err(failed)?;
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

/// Libraries hold machine code for one version of Python.
fn environment_name(tools: &Tools) -> Result<String, String> {
    let mut command = Command::new(&tools.python);
    command.args(["-c", "import sys, platform; print(sys.implementation.cache_tag + platform.machine())"]);
    let output = command.output().map_err(|error| format!("{}: {error}", tools.python.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Sha256::of(format!("{tag}\n{REQUIREMENTS}").as_bytes()).to_string().chars().take(16).collect())
}
