//! Names of the images that frames are, in what a step says of frames.
use framefleet_frames::ItemKind;
use framefleet_ledger::presence::file_of;
use framefleet_ledger::{Ledger, LedgerError, Manifest};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// Frames of items, by item's name and number.
pub(crate) type Frames = BTreeSet<(String, u64)>;

/// Names of the images that frames are.
pub(crate) struct Files(HashMap<(String, u64), String>);

impl Files {
    /// Those of some frames.
    pub(crate) async fn find(ledger: &Ledger, manifest: &Manifest, frames: Frames) -> Result<Self, LedgerError> {
        let images = manifest.items().zip(0..).filter(|(item, _)| item.kind() != ItemKind::Video);
        let places: HashMap<&str, u32> = images.map(|(item, place)| (item.name.as_str(), place)).collect();
        let (mut lookup, mut names) = (ledger.task_lookup(manifest), HashMap::new());
        for (item, frame) in frames {
            let Some(&place) = places.get(item.as_str()) else { continue };
            let Some(task) = lookup.task_of(place, frame).await? else { continue };
            if let Some(file) = file_of(&task, frame) {
                names.insert((item, frame), file.name.clone());
            }
        }
        Ok(Self(names))
    }

    /// Adds the `file` to every object that names a frame of an item (`item` and `frame`).
    pub(crate) fn name_in(&self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|value| self.name_in(value)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.name_in(value));
                let file = self.named(fields, "frame");
                fields.extend(file.map(|name| ("file".to_owned(), name.into())));
            }
            _ => {}
        }
    }

    /// The name of the image whose item and number these fields have.
    pub(crate) fn named(&self, fields: &Map<String, Value>, frame: &str) -> Option<&str> {
        self.0.get(&place(fields, frame)?).map(String::as_str)
    }
}

/// Adds the frames that objects name by `item` and `frame`.
pub(crate) fn note_frames(value: &Value, frames: &mut Frames) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| note_frames(value, frames)),
        Value::Object(fields) => {
            fields.values().for_each(|value| note_frames(value, frames));
            frames.extend(place(fields, "frame"));
        }
        _ => {}
    }
}

/// The item and the number that fields have.
pub(crate) fn place(fields: &Map<String, Value>, frame: &str) -> Option<(String, u64)> {
    Some((fields.get("item")?.as_str()?.to_owned(), fields.get(frame)?.as_u64()?))
}
