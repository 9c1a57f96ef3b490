//! Every frame of a step has exactly one outcome: tasks tile their items, and the outcomes of each are disjoint. Of decoding,
//! frames that no step looks at have none.
use super::{Check, StepCounts};
use framefleet_frames::{FrameRange, ItemKind, KnownBatch};
use framefleet_ledger::outcomes::Counts;
use framefleet_ledger::{Entry, LedgerError, Manifest, describe, presence, task_key};
use framefleet_proto::v1::TaskResult;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;

impl Check {
    /// Counts the frames of a step by outcome, and names those that have none or two.
    pub(super) async fn outcomes(&mut self, manifest: &Manifest) {
        let mut counts = Counts::default();
        let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
        // Numbers of stills that no task has: of pictures that are gone, and those that were never given.
        let mut unused: BTreeMap<u32, Vec<FrameRange>> = BTreeMap::new();
        let mut tasks = self.ledger.tasks(manifest);
        while let Some(task) = tasks.next().await {
            let task = match task {
                Ok(task) => task,
                Err(error) => {
                    self.findings.problem(error);
                    break;
                }
            };
            let (item, range) = (manifest.item_name(&task), task.range.unwrap_or_default());
            let what = format!("step {}, {item} frames {}–{}", manifest.step, range.start, range.end);
            match ends.insert(task.item, range.end) {
                Some(end) if range.start < end => {
                    self.findings.problem(format!("{what}: frames before {end} are in two tasks"))
                }
                Some(end) if range.start > end && !task.files.is_empty() => {
                    unused.entry(task.item).or_default().push(FrameRange { start: end, end: range.start });
                }
                Some(end) if range.start > end && manifest.complete && !manifest.is_of_decoding() => {
                    self.findings.problem(format!("{what}: frames {end}–{} are in no task", range.start));
                }
                _ => {}
            }
            let entry = task_key(manifest, &task).and_then(|key| self.ledger.known(&key, &what));
            match entry.map_err(|error| error.to_string()).and_then(|entry| check_entry(&entry, item, &task, &what)) {
                Ok(found) => counts.add(found),
                Err(problem) => self.findings.problem(problem),
            }
        }
        if manifest.complete && !manifest.is_of_decoding() {
            for (place, ranges) in unused {
                if let Err(error) = self.unused(manifest, place as usize, &ranges).await {
                    self.findings.problem(error);
                }
            }
        }
        let Counts { result, failed, skipped } = counts;
        let (step, complete) = (manifest.step.clone(), manifest.complete);
        self.findings.report.steps.push(StepCounts { step, complete, result, failed, skipped });
    }

    /// No picture of a folder has one of these numbers, which no task of a step has.
    async fn unused(&mut self, manifest: &Manifest, place: usize, ranges: &[FrameRange]) -> Result<(), LedgerError> {
        let Some(item) = manifest.items().nth(place) else { return Ok(()) };
        let known = if item.kind() == ItemKind::Stills { self.ledger.folder(&item.name).await? } else { None };
        let Some(known) = known else {
            let FrameRange { start, end } = ranges.first().copied().unwrap_or_default();
            self.findings
                .problem(format!("step {}, {}: frames {start}–{end} are in no task", manifest.step, item.name));
            return Ok(());
        };
        let mut batches = self.ledger.read_document::<KnownBatch>(&known);
        while let Some(batch) = batches.try_next().await?.map(|known| known.batch.unwrap_or_default()) {
            let missing = |frame: u64| ranges.iter().any(|range| (range.start..range.end).contains(&frame));
            for file in batch.files.iter().filter(|file| missing(file.frame)) {
                let (step, item, frame) = (&manifest.step, &item.name, file.frame);
                self.findings.problem(format!("step {step}, {item}: {} (frame {frame}) is in no task", file.name));
            }
        }
        Ok(())
    }
}

/// Whether an entry is that of a task of a manifest, with one outcome for every frame.
fn check_entry(entry: &Entry, item: &str, task: &TaskResult, what: &str) -> Result<Counts, String> {
    let id = entry.id.as_ref();
    if id.and_then(|id| id.range) != task.range || id.is_none_or(|id| id.item != item) {
        return Err(format!("{what}: its entry is that of {}", describe(entry)));
    }
    presence::count(entry, task).map_err(|reason| format!("{what}: {reason}"))
}
