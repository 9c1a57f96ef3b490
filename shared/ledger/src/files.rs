//! Which image a frame is, by a step's manifest.
use framefleet_media::ImageFile;
use framefleet_proto::v1::{ItemTasks, StepManifest, TaskResult};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The image that a frame of a task is.
pub(crate) fn file_of(task: &TaskResult, frame: u64) -> Option<&ImageFile> {
    let found = task.files.binary_search_by_key(&frame, |file| file.frame);
    found.ok().and_then(|position| task.files.get(position))
}

/// The images of a step's items.
pub(crate) struct Files<'a> {
    items: HashMap<&'a str, &'a ItemTasks>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(manifest: &'a StepManifest) -> Self {
        let named = |of: &'a ItemTasks| Some((of.item.as_ref()?.name.as_str(), of));
        Self { items: manifest.items.iter().filter_map(named).collect() }
    }

    /// The image that a frame of an item is.
    pub(crate) fn of(&self, item: &str, frame: u64) -> Option<&'a ImageFile> {
        let tasks = &self.items.get(item)?.tasks;
        let after = tasks.partition_point(|task| task.range.unwrap_or_default().start <= frame);
        file_of(tasks.get(after.checked_sub(1)?)?, frame)
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
    pub(crate) fn named(&self, fields: &Map<String, Value>, frame: &str) -> Option<&'a str> {
        let (item, frame) = (fields.get("item")?.as_str()?, fields.get(frame)?.as_u64()?);
        self.of(item, frame).map(|file| file.name.as_str())
    }
}
