//! Which frames of a task are there. Those of a film are, and of a folder of stills those whose pictures are: the range and the entry of a task
//! also have the frames of pictures that have gone since, of which nothing that is derived from the ledger speaks.
use crate::documents::{read_chunk, root};
use crate::outcomes::{self, ByFrame, Counts};
use crate::store::Store;
use crate::{LedgerError, TaskKey};
use framefleet_frames::{ImageFile, Outcome};
use framefleet_proto::v1::{CompletedStep, Entry, Part, TaskResult};
use std::collections::{HashMap, HashSet};

/// The image that a frame of a task is.
pub fn file_of(task: &TaskResult, frame: u64) -> Option<&ImageFile> {
    let found = task.files.binary_search_by_key(&frame, |file| file.frame);
    found.ok().and_then(|position| task.files.get(position))
}

/// Whether a frame of a task is there.
pub fn is_there(task: &TaskResult, frame: u64) -> bool {
    task.files.is_empty() || file_of(task, frame).is_some()
}

/// How many frames of a task are there.
pub fn frames_there(task: &TaskResult) -> u64 {
    match task.files.len() {
        0 => task.range.map_or(0, |range| range.end.saturating_sub(range.start)),
        files => files as u64,
    }
}

/// Counts the frames of a task that are there, by its entry; in words, why some frame has no outcome or two.
pub fn count(entry: &Entry, task: &TaskResult) -> Result<Counts, String> {
    let all = outcomes::check(entry)?;
    if all.result + all.failed + all.skipped == frames_there(task) {
        return Ok(all);
    }
    let by_frame = ByFrame::new(entry.outcomes.as_ref());
    let mut counts = Counts::default();
    for file in &task.files {
        match by_frame.of(file.frame) {
            Outcome::Result => counts.result += 1,
            Outcome::Failed { .. } => counts.failed += 1,
            Outcome::Skipped { .. } => counts.skipped += 1,
        }
    }
    Ok(counts)
}

/// Files of entries that are nowhere because the picture that they were made of is gone, and with it what was published of it.
#[derive(Debug, Default)]
pub struct GonePictures(HashMap<TaskKey, HashSet<u64>>);

impl GonePictures {
    /// Those of some tasks, as far as the results of steps refer to them.
    pub async fn find(store: &Store, steps: &[CompletedStep], tasks: &HashSet<TaskKey>) -> Result<Self, LedgerError> {
        let mut gone: HashMap<TaskKey, HashSet<u64>> = HashMap::new();
        if tasks.is_empty() {
            return Ok(Self(gone));
        }
        let documents: HashSet<_> =
            steps.iter().filter_map(|step| step.manifest.as_ref()).map(|of| &of.tasks).collect();
        for document in documents.into_iter().filter(|document| !document.is_empty()) {
            for chunk in root(store, document).await?.chunks {
                for task in read_chunk::<TaskResult>(store, chunk).await? {
                    let Some(key) = TaskKey::from_bytes(&task.key).ok().filter(|key| tasks.contains(key)) else {
                        continue;
                    };
                    let range = task.range.unwrap_or_default();
                    gone.entry(key).or_default().extend((range.start..range.end).filter(|of| !is_there(&task, *of)));
                }
            }
        }
        Ok(Self(gone))
    }

    /// Whether a file of a task was made of one of them.
    pub fn have(&self, key: &TaskKey, part: &Part) -> bool {
        let of_task = || self.0.get(key);
        part.frame.is_some_and(|frame| of_task().is_some_and(|gone| gone.contains(&frame)))
    }
}
