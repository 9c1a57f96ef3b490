//! Virtual environments of Python that exports run in: made inside the cache, once for each set of pinned libraries.
use crate::digest::Sha256;
use crate::disk::create_folder;
use crate::error::{ModelError, access};
use crate::lock::Lock;
use crate::packages::{self, Tools};
use crate::progress::{Activity, Progress};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an export needs.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// Pinned libraries, of which wheels are taken.
    pub(crate) requirements: &'static str,
    /// Libraries without wheels, built inside the environment after the others.
    pub(crate) sources: &'static [&'static str],
    /// Variables of those builds.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

impl Environment {
    /// The environment's Python; makes the environment where it is not there.
    pub(crate) fn python(
        &self,
        cache: &Path,
        tools: &Tools,
        offline: bool,
        progress: &dyn Progress,
    ) -> Result<PathBuf, ModelError> {
        let folder = cache.join("environments").join(self.key(tools)?);
        let python = folder.join("bin/python");
        if python.exists() {
            return Ok(python);
        }
        let what = format!("the Python environment \"{}\"", self.name);
        if offline {
            return Err(ModelError::Offline { what });
        }
        let _lock = Lock::take(cache, &format!("environment-{}", self.name), &what, progress)?;
        if !python.exists() {
            self.make(&folder, tools, progress)?;
        }
        Ok(python)
    }

    /// Makes it beside its place, so that it is there whole or not at all.
    fn make(&self, folder: &Path, tools: &Tools, progress: &dyn Progress) -> Result<(), ModelError> {
        let what = format!("the Python environment \"{}\"", self.name);
        let failed = |reason: String| ModelError::Package { package: what.clone(), reason };
        let parent = folder.parent().unwrap_or(Path::new("."));
        create_folder(parent)?;
        let staging = tempfile::tempdir_in(parent).map_err(access("write in", parent))?;
        let environment = staging.path().join("environment");
        let _activity = Activity::begin(progress, &format!("{what} (venv, pip)"), None);
        let mut venv = Command::new(&tools.python);
        venv.args(["-m", "venv"]).arg(&environment);
        packages::run(&mut venv, staging.path(), || ())
            .map_err(|reason| failed(format!("{reason} (on Debian: apt-get install python3-venv)")))?;
        let requirements = staging.path().join("requirements.txt");
        std::fs::write(&requirements, self.requirements).map_err(access("write", &requirements))?;
        let pip = || {
            let mut pip = Command::new(environment.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
            pip.envs(self.variables.iter().copied());
            pip
        };
        packages::run(pip().args(["--only-binary", ":all:", "-r"]).arg(&requirements), staging.path(), || ())
            .map_err(failed)?;
        if !self.sources.is_empty() {
            let mut build = pip();
            build.args(["--no-deps", "--no-build-isolation"]).args(self.sources);
            packages::run(&mut build, staging.path(), || ()).map_err(failed)?;
        }
        std::fs::rename(&environment, folder).map_err(access("create", folder))
    }

    /// Libraries hold machine code for one version of Python.
    fn key(&self, tools: &Tools) -> Result<String, ModelError> {
        let failed = |reason: String| ModelError::Package { package: "Python".to_owned(), reason };
        let tag = packages::python_tag(tools).map_err(failed)?;
        let text = format!("{tag}\n{}\n{}", self.requirements, self.sources.join(" "));
        let digest: String = Sha256::of(text.as_bytes()).to_string().chars().take(16).collect();
        Ok(format!("{}-{digest}", self.name))
    }
}
