//! coco.json: masks, faces and poses of all steps in the format of the COCO data sets (object instances and keypoints). It follows from
//! the steps' rows, as records do.
use crate::{Ledger, LedgerError, Row, layout};
use bytes::Bytes;
use framefleet_media::skeleton::coco_category;
use framefleet_media::{Item, ItemKind, Outcome};
use framefleet_proto::v1::{CompletedStep, StepManifest};
use futures::TryStreamExt;
use prost::Message;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// Kinds that are written.
const KINDS: [&str; 3] = ["mask", "face", "pose"];
/// Visibility from which a point of a pose counts as seen.
const SEEN: f64 = 0.5;

impl Ledger {
    /// Writes coco.json anew when it is not that of the steps as they are; without a step that makes masks, faces or poses there is none.
    pub(crate) async fn refresh_coco(&self) -> Result<(), LedgerError> {
        let steps = self.coco_steps().await?;
        if steps.is_empty() {
            return Ok(());
        }
        let stamp = stamp(&steps);
        let store = &self.inner.store;
        let written = store.read(layout::COCO_STAMP).await?;
        if written.as_deref() == Some(stamp.as_bytes()) && store.length(layout::COCO).await?.is_some() {
            return Ok(());
        }
        self.check_owner("write coco.json")?;
        let mut upload = store.upload(layout::COCO).await?;
        let mut pieces = Pieces::new(&steps);
        upload.write(pieces.begin().as_bytes()).await?;
        for manifest in steps.iter().filter_map(|step| step.manifest.as_ref()) {
            let mut rows = self.rows(manifest);
            while let Some(row) = rows.try_next().await? {
                upload.write(pieces.row(manifest, &row)?.as_bytes()).await?;
            }
        }
        for piece in pieces.end() {
            upload.write(piece.as_bytes()).await?;
        }
        upload.finish().await?;
        store.write(layout::COCO_STAMP, Bytes::copy_from_slice(stamp.as_bytes())).await
    }

    /// What coco.json should be: its digest; `None` when there should be none of ours.
    pub(crate) async fn coco_digest(&self) -> Result<Option<blake3::Hash>, LedgerError> {
        let steps = self.coco_steps().await?;
        if steps.is_empty() {
            return Ok(None);
        }
        let mut pieces = Pieces::new(&steps);
        let mut hasher = blake3::Hasher::new();
        hasher.update(pieces.begin().as_bytes());
        for manifest in steps.iter().filter_map(|step| step.manifest.as_ref()) {
            let mut rows = self.rows(manifest);
            while let Some(row) = rows.try_next().await? {
                hasher.update(pieces.row(manifest, &row)?.as_bytes());
            }
        }
        for piece in pieces.end() {
            hasher.update(piece.as_bytes());
        }
        Ok(Some(hasher.finalize()))
    }

    /// The steps whose kinds are written, by name.
    async fn coco_steps(&self) -> Result<Vec<CompletedStep>, LedgerError> {
        let makes = |step: &CompletedStep| {
            step.manifest
                .as_ref()
                .is_some_and(|manifest| manifest.kinds.iter().any(|kind| KINDS.contains(&kind.as_str())))
        };
        let mut steps = self.completed_steps().await?;
        steps.retain(makes);
        steps.sort_by(|a, b| name(a).cmp(name(b)));
        Ok(steps)
    }
}

fn name(step: &CompletedStep) -> &str {
    step.manifest.as_ref().map_or("", |manifest| &manifest.step)
}

/// What the file was made of.
fn stamp(steps: &[CompletedStep]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for step in steps {
        hasher.update(&step.encode_length_delimited_to_vec());
    }
    hasher.finalize()
}

/// The file while it is written: annotations first, then the pictures that they speak of, one byte per frame in memory.
struct Pieces {
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

impl Pieces {
    fn new(steps: &[CompletedStep]) -> Self {
        let mut items: BTreeMap<String, Pictures> = BTreeMap::new();
        let manifests = steps.iter().filter_map(|step| step.manifest.as_ref());
        for of_item in manifests.flat_map(|manifest| &manifest.items) {
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
        let files = steps.iter().flat_map(|step| &step.files).map(|file| &file.path);
        let artifacts = files.filter(|path| path.contains("/frames/")).cloned().collect();
        let steps = steps.iter().map(|step| name(step).to_owned()).collect();
        Self { items, artifacts, steps, categories: HashMap::new(), annotations: 0 }
    }

    fn begin(&self) -> String {
        let info = json!({"description": "Framefleet", "version": "1", "steps": self.steps});
        format!("{{\"info\": {info},\n\"annotations\": [")
    }

    /// The annotations of a row.
    fn row(&mut self, manifest: &StepManifest, row: &Row) -> Result<String, LedgerError> {
        let mut text = String::new();
        if row.outcome != Outcome::Result {
            return Ok(text);
        }
        let Some(pictures) = self.items.get_mut(&row.item) else { return Ok(text) };
        let image = pictures.first + row.frame;
        if let Some(has) = pictures.frames.get_mut(row.frame as usize) {
            *has = true;
        }
        let record = row.to_json(&manifest.kinds)?;
        for kind in KINDS {
            for body in record.get(kind).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
                let category = match kind {
                    "face" => "face",
                    "pose" => "person",
                    _ => {
                        body.get("label").and_then(Value::as_str).filter(|label| !label.is_empty()).unwrap_or("object")
                    }
                };
                let next = self.categories.len() + 1;
                let category = *self.categories.entry(category.to_owned()).or_insert(next);
                let Some(mut annotation) = annotation(kind, body) else { continue };
                annotation.insert("image_id".to_owned(), image.into());
                annotation.insert("category_id".to_owned(), category.into());
                annotation.insert("step".to_owned(), manifest.step.as_str().into());
                self.annotations += 1;
                let comma = if self.annotations > 1 { "," } else { "" };
                annotation.insert("id".to_owned(), self.annotations.into());
                text.push_str(&format!("{comma}\n{}", Value::from(annotation)));
            }
        }
        Ok(text)
    }

    /// Pictures and categories, an item at a time.
    fn end(&self) -> impl Iterator<Item = String> {
        let mut comma = "";
        let pictures = self.items.values().map(move |pictures| {
            let mut text = String::new();
            for frame in pictures.frames.iter().enumerate().filter(|(_, has)| **has).map(|(frame, _)| frame) {
                let image = json!({
                    "id": pictures.first + frame as u64,
                    "file_name": self.file_name(&pictures.item, frame),
                    "width": pictures.item.width,
                    "height": pictures.item.height,
                    "item": pictures.item.name,
                    "frame": frame,
                });
                text.push_str(&format!("{comma}\n{image}"));
                comma = ",";
            }
            text
        });
        let mut names: Vec<(&String, &usize)> = self.categories.iter().collect();
        names.sort_by_key(|(_, id)| **id);
        let categories: Vec<Value> = names.into_iter().map(|(name, id)| category(name, *id)).collect();
        let last = format!("\n],\n\"categories\": {}}}\n", Value::from(categories));
        std::iter::once("\n],\n\"images\": [".to_owned()).chain(pictures).chain([last])
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

/// A result as an annotation, but for its numbers; `None` for one without a box.
fn annotation(kind: &str, body: &Map<String, Value>) -> Option<Map<String, Value>> {
    let numbers = |key: &str| -> Vec<f64> {
        body.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let [x0, y0, x1, y1] = numbers("box")[..] else { return None };
    let (width, height) = (x1 - x0, y1 - y0);
    let mut result = Map::from_iter([
        ("bbox".to_owned(), json!([x0, y0, width, height])),
        ("area".to_owned(), body.get("area").cloned().unwrap_or_else(|| json!(width * height))),
        ("iscrowd".to_owned(), 0.into()),
        ("score".to_owned(), body.get("score").cloned().unwrap_or(Value::Null)),
    ]);
    if let Some(runs) = body.get("run_lengths").filter(|runs| runs.is_object()) {
        result.insert(
            "segmentation".to_owned(),
            json!({"size": [runs["height"], runs["width"]], "counts": runs["counts"]}),
        );
    }
    if kind == "pose" {
        let points = numbers("keypoints");
        let seen = |visibility: f64| if visibility >= SEEN { 2 } else { 1 };
        let flat: Vec<Value> = points
            .chunks_exact(3)
            .flat_map(|point| [json!(point[0]), json!(point[1]), seen(point[2]).into()])
            .collect();
        result.insert("num_keypoints".to_owned(), (flat.len() / 3).into());
        result.insert("keypoints".to_owned(), flat.into());
    }
    for (from, to) in [("instance", "instance"), ("track", "track_id"), ("eye", "eye")] {
        if let Some(value) = body.get(from).filter(|value| !value.is_null() && *value != "") {
            result.insert(to.to_owned(), value.clone());
        }
    }
    Some(result)
}

fn category(name: &str, id: usize) -> Value {
    match name {
        "person" => coco_category(id),
        _ => json!({"id": id, "name": name, "supercategory": name}),
    }
}
