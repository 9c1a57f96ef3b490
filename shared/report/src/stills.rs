//! What a folder of pictures has of each: its name where it is shown, and a size of its own.
use crate::model::ItemReport;
use crate::thumbnail::{choose, per_item};
use framefleet_proto::v1::TaskResult;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// Names of the stills that pictures of the report show.
#[derive(Default)]
pub struct FileNames {
    /// By item and frame; none of a frame whose row has not gone by yet.
    shown: HashMap<usize, BTreeMap<u64, Option<String>>>,
}

impl FileNames {
    /// Those of these items, before their rows go by. Stills have no shots: which are shown follows from how many there are.
    pub fn new(items: &[ItemReport]) -> Self {
        let stills = items.iter().enumerate().filter(|(_, item)| item.kind == "stills");
        let shown = |item: &ItemReport| choose(&item.axis, &[], per_item(items.len())).into_iter();
        Self { shown: stills.map(|(index, item)| (index, shown(item).map(|frame| (frame, None)).collect())).collect() }
    }

    /// Takes names from the files of a task. What has no file is not there any more: its neighbour is shown instead.
    pub fn note_task(&mut self, item: usize, task: &TaskResult) {
        let (Some(shown), Some(range)) = (self.shown.get_mut(&item), task.range) else { return };
        if task.files.is_empty() {
            return;
        }
        let inside: Vec<u64> = shown.range(range.start..range.end).map(|(frame, _)| *frame).collect();
        for frame in inside {
            shown.remove(&frame);
            let free = task.files.iter().filter(|file| !shown.contains_key(&file.frame));
            if let Some(nearest) = free.min_by_key(|file| file.frame.abs_diff(frame)) {
                shown.insert(nearest.frame, Some(nearest.name.clone()));
            }
        }
    }

    /// Takes the name out of a frame's record.
    pub fn note(&mut self, item: usize, frame: u64, record: &Map<String, Value>) {
        if let Some(name) = self.shown.get_mut(&item).and_then(|frames| frames.get_mut(&frame)) {
            *name = of(record);
        }
    }

    /// The frames of an item of stills that are shown, as far as they are there.
    pub fn frames(&self, item: usize) -> Option<Vec<u64>> {
        let shown = self.shown.get(&item)?.iter();
        Some(shown.filter(|(_, name)| name.is_some()).map(|(frame, _)| *frame).collect())
    }

    /// The name of a frame's file, when the frame is one that is shown.
    pub fn of(&self, item: usize, frame: u64) -> Option<String> {
        self.shown.get(&item)?.get(&frame)?.clone()
    }
}

/// The name of the file in a record.
pub fn of(record: &Map<String, Value>) -> Option<String> {
    record.get("file").and_then(Value::as_str).map(str::to_owned)
}

/// Notes whether the pictures of an item are of several sizes.
pub fn note_sizes(item: &mut ItemReport, task: &TaskResult) {
    let mut files = task.files.iter().filter(|file| file.width > 0);
    let size = (item.width, item.height);
    item.mixed_sizes |= files.any(|file| (file.width, file.height) != size);
}
