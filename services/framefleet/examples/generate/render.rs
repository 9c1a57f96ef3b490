//! Facts into files. `templates/` mirrors the repository: `templates/k8s/base/nats.yaml.j2` becomes `k8s/base/nats.yaml`.
use super::facts::Facts;
use framefleet_stage::{Registry, SettingsError};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The ending of templates.
const ENDING: &str = "j2";

/// A generated file.
pub struct File {
    /// Where it lies in the repository.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

/// Files cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A stage contradicts itself.
    #[error("a stage's own defaults are refused: {0}")]
    Stage(#[from] SettingsError),
    /// The facts are no JSON: a fault of this program.
    #[error("the facts cannot be written down: {0}")]
    Facts(#[from] serde_json::Error),
    /// A template is wrong; the message names it and the line.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// The templates cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// All files that name the stages of a registry, in order of their paths.
pub fn files(registry: &Registry) -> Result<Vec<File>, RenderError> {
    let facts = value(&serde_json::to_value(Facts::of(registry)?)?);
    let environment = environment(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))?;
    let mut files = Vec::new();
    for (name, template) in environment.templates() {
        files.push(File { path: PathBuf::from(name), text: template.render(&facts)? });
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The templates of a folder, named like the files that they become.
fn environment(folder: &Path) -> Result<Environment<'static>, RenderError> {
    let mut environment = Environment::new();
    // Templates are of many languages: each quotes for itself.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
    environment.set_syntax(syntax);
    environment.add_filter("cell", cell);
    for entry in WalkDir::new(folder) {
        let entry = entry.map_err(|error| RenderError::Read { path: folder.to_owned(), source: error.into() })?;
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        let text =
            std::fs::read_to_string(path).map_err(|source| RenderError::Read { path: path.to_owned(), source })?;
        let name = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        environment.add_template_owned(name.to_string_lossy().into_owned(), text)?;
    }
    Ok(environment)
}

/// A text as the cell of a Markdown table.
fn cell(text: String) -> String {
    text.trim().replace('|', "\\|").replace("\n\n", "<br>").replace('\n', " ")
}

/// JSON as templates know it. (minijinja's own way is a feature, which the program that is shipped would have to build as well.)
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(is) => Value::from(*is),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(value).collect(),
        Json::Object(fields) => Value::from_pairs(fields.iter().map(|(key, field)| (key.as_str(), value(field)))),
    }
}
