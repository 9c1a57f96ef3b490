//! What tasks put into the ledger: their entry, its files, and what is reported of it.
use super::TaskContext;
use crate::failure::TaskFailure;
use crate::usage::Usage;
use framefleet_frames::{FrameFailure, Item, naming};
use framefleet_ledger::CommitFile;
use framefleet_proto::v1::{Done, Entry, PartKind};
use framefleet_stage::Artifact;

/// An entry of a task, without results.
pub(super) fn entry(task: &TaskContext<'_>) -> Entry {
    Entry {
        key: task.task.key.clone(),
        id: task.task.id.clone(),
        stage: task.task.stage.clone(),
        version: task.task.version,
        ..Entry::default()
    }
}

/// What is reported of a task: what came of its frames is in its entry.
pub(super) fn done(entry: &Entry, usage: Usage) -> Done {
    let outcomes = entry.outcomes.iter();
    let skipped = outcomes.clone().flat_map(|outcomes| &outcomes.skipped).filter_map(|skip| skip.range);
    Done {
        frames_done: entry.frames_done,
        frames_failed: outcomes.map(|outcomes| outcomes.failed.len() as u64).sum(),
        frames_skipped: skipped.map(|range| range.end.saturating_sub(range.start)).sum(),
        ..usage.done()
    }
}

/// A frame that has no result because of a failure of its task.
pub(super) fn blame(frame: u64, failure: &TaskFailure) -> FrameFailure {
    FrameFailure { frame, code: failure.code.to_owned(), reason: failure.reason.clone() }
}

/// The folder of an item below a step's artifacts, as far as the item alone says it: for what belongs to no frame.
pub(super) fn item_folder(item: &Item) -> String {
    naming::item_folders([item]).into_values().next().unwrap_or_default()
}

/// Files to commit. Those of a frame get their folder with their name, when results are published.
pub(super) fn files(artifacts: Vec<Artifact>, kind: PartKind, folder: &str) -> Vec<CommitFile> {
    let name = |artifact: &Artifact| match artifact.frame() {
        Some(_) => artifact.name().to_owned(),
        None => naming::below(folder, artifact.name()),
    };
    let file = |artifact: Artifact| CommitFile {
        kind,
        name: name(&artifact),
        frame: artifact.frame(),
        path: artifact.path().to_owned(),
    };
    artifacts.into_iter().map(file).collect()
}
