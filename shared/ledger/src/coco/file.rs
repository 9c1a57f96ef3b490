//! A COCO file while it is written: annotations first, then the pictures that they speak of. In memory is one byte per frame.
use super::annotation::{annotation, category};
use crate::layout;
use framefleet_media::{Item, ItemKind};
use framefleet_proto::v1::StepManifest;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// Kinds that a COCO file can have.
pub(super) const KINDS: [&str; 3] = ["mask", "face", "pose"];
/// Raised when the same rows make another file.
pub(super) const VERSION: &str = "2";

/// A COCO file of some steps' results, as pieces of text: [`Self::begin`], [`Self::row`] of every frame, [`Self::end`].
pub struct CocoFile {
    kinds: Vec<&'static str>,
    items: BTreeMap<String, Pictures>,
    /// Pictures among the artifacts.
    artifacts: HashSet<String>,
    steps: Vec<String>,
    categories: HashMap<String, usize>,
    annotations: u64,
}

/// The frames of an item.
struct Pictures {
    item: Item,
    /// Number of its first picture.
    first: u64,
    /// Whether a step has a result for it.
    frames: Vec<bool>,
}

impl CocoFile {
    /// A file of what the steps of these manifests made of these kinds, of `mask`, `face` and `pose`. `artifacts` are paths in the output: pictures
    /// among them are named before those of the source.
    pub fn new(
        kinds: &[&'static str],
        manifests: &[&StepManifest],
        artifacts: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut items: BTreeMap<String, Pictures> = BTreeMap::new();
        for of_item in manifests.iter().flat_map(|manifest| &manifest.items) {
            let Some(item) = &of_item.item else { continue };
            let end = of_item.tasks.iter().filter_map(|task| task.range).map(|range| range.end).max().unwrap_or(0);
            let pictures = items.entry(item.name.clone()).or_insert_with(|| Pictures {
                item: item.clone(),
                first: 0,
                frames: Vec::new(),
            });
            if end as usize > pictures.frames.len() {
                pictures.frames.resize(end as usize, false);
            }
        }
        let mut next = 1;
        for pictures in items.values_mut() {
            pictures.first = next;
            next += pictures.frames.len() as u64;
        }
        Self {
            kinds: kinds.to_vec(),
            items,
            artifacts: artifacts.into_iter().filter(|path| path.contains("/frames/")).collect(),
            steps: manifests.iter().map(|manifest| manifest.step.clone()).collect(),
            categories: HashMap::new(),
            annotations: 0,
        }
    }

    /// How the file begins.
    pub fn begin(&self) -> String {
        let info = json!({"description": "Framefleet", "version": VERSION, "steps": self.steps});
        format!("{{\"info\": {info},\n\"annotations\": [")
    }

    /// The annotations of a frame that has a result; `record` is its row as records have it.
    pub fn row(&mut self, step: &str, item: &str, frame: u64, record: &Map<String, Value>) -> String {
        let mut text = String::new();
        let Some(pictures) = self.items.get_mut(item) else { return text };
        let image = pictures.first + frame;
        if let Some(has) = pictures.frames.get_mut(frame as usize) {
            *has = true;
        }
        for kind in self.kinds.clone() {
            for body in record.get(kind).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
                let category = self.category(kind, body);
                let Some(mut annotation) = annotation(kind, body) else { continue };
                annotation.insert("image_id".to_owned(), image.into());
                annotation.insert("category_id".to_owned(), category.into());
                annotation.insert("step".to_owned(), step.into());
                self.annotations += 1;
                let comma = if self.annotations > 1 { "," } else { "" };
                annotation.insert("id".to_owned(), self.annotations.into());
                text.push_str(&format!("{comma}\n{}", Value::from(annotation)));
            }
        }
        text
    }

    /// Number of the category of a result.
    fn category(&mut self, kind: &str, body: &Map<String, Value>) -> usize {
        let name = match kind {
            "face" => "face",
            "pose" => "person",
            _ => body.get("label").and_then(Value::as_str).filter(|label| !label.is_empty()).unwrap_or("object"),
        };
        let next = self.categories.len() + 1;
        *self.categories.entry(name.to_owned()).or_insert(next)
    }

    /// Pictures and categories.
    pub fn end(&self) -> impl Iterator<Item = String> {
        let images = self.items.values().flat_map(move |pictures| {
            let shown = pictures.frames.iter().enumerate().filter(|(_, has)| **has);
            shown.map(move |(frame, _)| {
                json!({
                    "id": pictures.first + frame as u64,
                    "file_name": self.file_name(&pictures.item, frame),
                    "width": pictures.item.width,
                    "height": pictures.item.height,
                    "item": pictures.item.name,
                    "frame": frame,
                })
            })
        });
        let images = images.enumerate().map(|(at, image)| format!("{}\n{image}", if at > 0 { "," } else { "" }));
        let mut names: Vec<(&String, &usize)> = self.categories.iter().collect();
        names.sort_by_key(|(_, id)| **id);
        let categories: Vec<Value> = names.into_iter().map(|(name, id)| category(name, *id)).collect();
        let last = format!("\n],\n\"categories\": {}}}\n", Value::from(categories));
        std::iter::once("\n],\n\"images\": [".to_owned()).chain(images).chain([last])
    }

    /// The picture of a frame: what a step wrote of it (below the output), else the source's own (below the source), else the name that it
    /// would have among the source's.
    fn file_name(&self, item: &Item, frame: usize) -> String {
        let stem = Path::new(&item.name).with_extension("").to_string_lossy().into_owned();
        let written = self.steps.iter().flat_map(|step| {
            ["jpg", "png"].map(|format| layout::artifact(step, &format!("{stem}/frames/{frame:06}.{format}")))
        });
        if let Some(written) = written.into_iter().find(|path| self.artifacts.contains(path)) {
            return written;
        }
        match framefleet_media::item::file(item, frame as u64).map(|file| &file.name) {
            Some(file) if item.kind() != ItemKind::Video => match item.name.as_str() {
                "" | "." => file.clone(),
                name => format!("{name}/{file}"),
            },
            _ => format!("{stem}/{frame:06}.jpg"),
        }
    }
}
