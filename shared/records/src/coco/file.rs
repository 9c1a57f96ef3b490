//! A COCO file while it is written: annotations first, then the images that they speak of, in the order in which results came. In memory is
//! one byte per frame.
use super::annotation::{annotation, category};
use super::images::Images;
use crate::{ArtifactPaths, RecordsError};
use framefleet_frames::{ImageFile, Item, item};
use framefleet_ledger::{Manifest, layout};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Kinds that a COCO file can have.
pub(super) const KINDS: [&str; 3] = ["mask", "face", "pose"];
/// Raised when the same rows make another file.
pub(super) const VERSION: &str = "3";

/// A COCO file of some steps' results, as pieces of text: [`Self::begin`], [`Self::row`] of every frame, [`Self::end`].
pub struct CocoFile {
    kinds: Vec<&'static str>,
    items: BTreeMap<String, Pictures>,
    /// Pictures among the artifacts.
    artifacts: HashSet<String>,
    /// Steps, and where their artifacts lie.
    steps: Vec<(String, ArtifactPaths)>,
    categories: HashMap<String, usize>,
    annotations: u64,
    images: Images,
}

/// The frames of an item.
struct Pictures {
    item: Item,
    /// Number of its first picture.
    first: u64,
    /// Whether a frame is among the images.
    frames: Vec<bool>,
}

/// A frame of a step.
#[derive(Clone, Copy)]
pub struct CocoFrame<'a> {
    /// The step.
    pub step: &'a str,
    /// The item.
    pub item: &'a str,
    /// Its number in the item.
    pub number: u64,
    /// The image that it is, of sequences and stills.
    pub file: Option<&'a ImageFile>,
}

impl CocoFile {
    /// A file of what the steps of these manifests made of these kinds, of `mask`, `face` and `pose`. `artifacts` are paths in the output: pictures
    /// among them are named before those of the source.
    pub fn new(
        kinds: &[&'static str],
        manifests: &[&Manifest],
        artifacts: impl IntoIterator<Item = String>,
    ) -> Result<Self, RecordsError> {
        let mut items: BTreeMap<String, Pictures> = BTreeMap::new();
        for of_item in manifests.iter().flat_map(|manifest| manifest.covered()) {
            let Some(item) = &of_item.item else { continue };
            let end = of_item.frames.map_or(0, |frames| frames.end);
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
        Ok(Self {
            kinds: kinds.to_vec(),
            items,
            artifacts: artifacts.into_iter().filter(|path| path.contains("/frames/")).collect(),
            steps: manifests.iter().map(|manifest| (manifest.step.clone(), ArtifactPaths::new(manifest))).collect(),
            categories: HashMap::new(),
            annotations: 0,
            images: Images::new()?,
        })
    }

    /// How the file begins.
    pub fn begin(&self) -> String {
        let steps: Vec<&str> = self.steps.iter().map(|(step, _)| step.as_str()).collect();
        let info = json!({"description": "Framefleet", "version": VERSION, "steps": steps});
        format!("{{\"info\": {info},\n\"annotations\": [")
    }

    /// The annotations of a frame that has a result; `record` is its row as records have it.
    pub fn row(&mut self, frame: CocoFrame<'_>, record: &Map<String, Value>) -> Result<String, RecordsError> {
        let mut text = String::new();
        let Some(pictures) = self.items.get(frame.item) else { return Ok(text) };
        let image = pictures.first + frame.number;
        self.add_image(image, frame)?;
        for kind in self.kinds.clone() {
            for body in record.get(kind).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
                let category = self.category(kind, body);
                let Some(mut annotation) = annotation(kind, body) else { continue };
                annotation.insert("image_id".to_owned(), image.into());
                annotation.insert("category_id".to_owned(), category.into());
                annotation.insert("step".to_owned(), frame.step.into());
                self.annotations += 1;
                let comma = if self.annotations > 1 { "," } else { "" };
                annotation.insert("id".to_owned(), self.annotations.into());
                text.push_str(&format!("{comma}\n{}", Value::from(annotation)));
            }
        }
        Ok(text)
    }

    /// Adds a frame to the images, unless an earlier step has.
    fn add_image(&mut self, id: u64, frame: CocoFrame<'_>) -> Result<(), RecordsError> {
        let file_name = self.file_name(frame);
        let Some(pictures) = self.items.get_mut(frame.item) else { return Ok(()) };
        let Some(has) = pictures.frames.get_mut(frame.number as usize).filter(|has| !**has) else { return Ok(()) };
        *has = true;
        let (width, height) = item::size_of(&pictures.item, frame.file);
        self.images.push(&json!({
            "id": id,
            "file_name": file_name,
            "width": width,
            "height": height,
            "item": frame.item,
            "frame": frame.number,
        }))
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
    pub fn end(self) -> Result<impl Iterator<Item = Result<String, RecordsError>>, RecordsError> {
        let mut names: Vec<(&String, &usize)> = self.categories.iter().collect();
        names.sort_by_key(|(_, id)| **id);
        let categories: Vec<Value> = names.into_iter().map(|(name, id)| category(name, *id)).collect();
        let first = "\n],\n\"images\": [".to_owned();
        let last = format!("\n],\n\"categories\": {}}}\n", Value::from(categories));
        Ok(std::iter::once(Ok(first)).chain(self.images.into_text()?).chain([Ok(last)]))
    }

    /// The picture of a frame: what a step wrote of it (below the output), else the source's own (below the source), else the name that it
    /// would have among the source's.
    fn file_name(&self, frame: CocoFrame<'_>) -> String {
        let path = |paths: &ArtifactPaths, pattern| paths.of_frame(frame.item, frame.number, frame.file, pattern);
        let written = self.steps.iter().flat_map(|(step, paths)| {
            ["frames/*.jpg", "frames/*.png"].map(|pattern| layout::artifact(step, &path(paths, pattern)))
        });
        if let Some(written) = written.into_iter().find(|path| self.artifacts.contains(path)) {
            return written;
        }
        match frame.file {
            Some(file) if matches!(frame.item, "" | ".") || frame.item == file.name => file.name.clone(),
            Some(file) => format!("{}/{}", frame.item, file.name),
            None => path(self.steps.first().map_or(&ArtifactPaths::default(), |(_, paths)| paths), "*.jpg"),
        }
    }
}
