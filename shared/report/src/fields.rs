//! Which fields of a step's results are shown, in which order, and how they are called: as the step's stage says. Everything else that is
//! a number or a label is shown on request, under its own name.
use framefleet_stage::{Field, Place};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a stage says of its results.
#[derive(Clone, Debug, Default)]
pub struct Fields(Arc<[Field]>);

impl Fields {
    /// What a stage says; nothing for one that says nothing.
    pub fn new(fields: Option<&Vec<Field>>) -> Self {
        Self(fields.map(Vec::as_slice).unwrap_or_default().into())
    }

    /// A field that is shown over time.
    pub fn on_timeline(&self, kind: &str, path: &str) -> Option<&Field> {
        self.place(kind, path).and_then(|place| self.0.get(place))
    }

    /// Its place among them.
    pub fn place(&self, kind: &str, path: &str) -> Option<usize> {
        self.0.iter().position(|field| field.place == Place::Timeline && field.kind == kind && field.path == path)
    }

    /// The words that a result of a kind has for one of the places: the fields, and what they say of it.
    pub fn words_of<'a>(
        &'a self,
        kind: &'a str,
        place: Place,
        result: &'a Map<String, Value>,
    ) -> impl Iterator<Item = (&'a Field, String)> {
        let shown = self.0.iter().filter(move |field| field.kind == kind && field.place == place);
        shown.filter_map(|field| Some((field, words(word(result, &field.path)?))))
    }

    /// Whether it says anything of a kind.
    pub fn knows(&self, kind: &str) -> bool {
        self.0.iter().any(|field| field.kind == kind)
    }
}

/// The word at a path of a result; `None` for one that says nothing.
fn word<'a>(result: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let mut names = path.split('.');
    let first = result.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))?.as_str().filter(|word| !["", "unspecified"].contains(word))
}

/// A name from records as words: `fast_chaotic` → "fast chaotic".
pub fn words(name: &str) -> String {
    name.replace(['_', '.'], " ")
}

/// The same, as a title: `magnitude_p95` → "Magnitude p95".
pub fn title(name: &str) -> String {
    let words = words(name);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
