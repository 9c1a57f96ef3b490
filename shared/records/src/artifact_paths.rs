//! Where a step's artifacts lie below `artifacts/<step>/`: under the names that items and stills have now, whatever they were called when a
//! task made the files.
use framefleet_frames::{ImageFile, naming};
use framefleet_ledger::Manifest;
use framefleet_ledger::presence::{file_of, is_there};
use framefleet_proto::v1::{Part, TaskResult};
use std::collections::BTreeMap;

/// The folders of a step's items, and names below them.
#[derive(Clone, Debug, Default)]
pub struct ArtifactPaths {
    folders: BTreeMap<String, String>,
}

impl ArtifactPaths {
    /// Those of the items of a step.
    pub fn new(manifest: &Manifest) -> Self {
        Self { folders: naming::item_folders(manifest.items()) }
    }

    /// The path of what a pattern (`masks/*_mask.png`) says is made of a frame, which is `file` when it is an image.
    pub fn of_frame(&self, item: &str, frame: u64, file: Option<&ImageFile>, pattern: &str) -> String {
        let folder = self.folders.get(item).map_or(item, String::as_str);
        naming::fitting(&naming::below(folder, &naming::of_frame(pattern, frame, file)))
    }

    /// The path of a file that a task of the item made; `None` when the picture that it was made of is gone.
    pub(crate) fn of_part(&self, item: &str, task: &TaskResult, part: &Part) -> Option<String> {
        match part.frame {
            Some(frame) if !is_there(task, frame) => None,
            Some(frame) => Some(self.of_frame(item, frame, file_of(task, frame), &part.name)),
            None => Some(part.name.clone()),
        }
    }
}
