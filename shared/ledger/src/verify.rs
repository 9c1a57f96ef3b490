//! Proving that an output is whole: every frame has one outcome, every part its digest.
mod record_files;

use crate::index::{Place, annotations_part, describe};
use crate::parts::{finish_key, parse_key};
use crate::presence::{self, GonePictures};
use crate::records::{line, without};
use crate::{ArtifactPaths, Ledger, LedgerError, Manifest, Output, TaskKey, layout, outcomes};
use framefleet_media::{FrameRange, ItemKind, KnownBatch};
use framefleet_proto::v1::{CompletedStep, Entry, Part, PartKind, TaskResult};
use futures::{StreamExt, TryStreamExt};
use record_files::{Lines, parquet_rows};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Problems that are told in words; more of them are counted only.
const TOLD: usize = 200;

/// What `verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Digest of the whole, hex: of rows, summaries, artifacts and coco.json. The same however and how often it was
    /// computed, wherever it lies and however entries are stored. Means nothing when there are problems.
    pub digest: String,
    /// What is wrong, in words; empty when the output is whole.
    pub problems: Vec<String>,
    /// Problems in all: `problems` names the first 200.
    pub problem_count: u64,
    /// Frames of every step.
    pub steps: Vec<StepCounts>,
    /// Files and annotation blocks whose digest was checked, and their bytes.
    pub parts: u64,
    /// Bytes of these parts.
    pub bytes: u64,
}

/// The frames of a step by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// The step.
    pub step: String,
    /// Whether every task of its job is in it.
    pub complete: bool,
    /// Frames with a result.
    pub result: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that a rule left out.
    pub skipped: u64,
}

/// Checks an output: tasks of every complete step tile their items, every frame has exactly one outcome, every part and
/// every file of a step is there with its digest. `deep` also compares every record line with the ledger, and the number of
/// rows in Parquet. Reads everything; memory stays bounded. An error means that it could not be checked, not that it
/// is damaged.
pub async fn verify(output: &Output, deep: bool) -> Result<VerifyReport, LedgerError> {
    let ledger = Ledger::read(output.clone()).await?;
    let mut steps = ledger.completed_steps().await?;
    steps.sort_by(|one, other| name(one).cmp(name(other)));
    let problems = ledger.index().problems.clone();
    let mut check = Check { ledger, deep, report: VerifyReport::default(), digest: blake3::Hasher::new() };
    problems.into_iter().for_each(|problem| check.problem(problem));
    for step in &steps {
        check.step(step).await?;
    }
    check.artifacts(&steps);
    check.parts(&steps).await?;
    if let Some((digest, length)) = check.ledger.inner.store.digest(layout::COCO).await? {
        check.count(length);
        check.hash(b"coco", digest.as_bytes());
        check.coco(digest).await;
    } else if check.ledger.coco_digest().await.is_ok_and(|expected| expected.is_some()) {
        check.problem(format!("{} is missing", layout::COCO));
    }
    check.report.digest = check.digest.finalize().to_hex().to_string();
    Ok(check.report)
}

struct Check {
    ledger: Ledger,
    deep: bool,
    report: VerifyReport,
    digest: blake3::Hasher,
}

impl Check {
    fn problem(&mut self, problem: String) {
        self.report.problem_count += 1;
        if self.report.problems.len() < TOLD {
            self.report.problems.push(problem);
        }
    }

    fn count(&mut self, bytes: u64) {
        self.report.parts += 1;
        self.report.bytes += bytes;
    }

    /// Adds something to the digest of the whole; lengths keep neighbours apart.
    fn hash(&mut self, what: &[u8], value: &[u8]) {
        for bytes in [what, value] {
            self.digest.update(&(bytes.len() as u64).to_le_bytes());
            self.digest.update(bytes);
        }
    }

    /// With `deep`, whether coco.json is what the steps' rows make it.
    async fn coco(&mut self, found: blake3::Hash) {
        if !self.deep {
            return;
        }
        match self.ledger.coco_digest().await {
            Ok(Some(expected)) if expected != found => {
                self.problem(format!("{} is not what the ledger has of its steps", layout::COCO));
            }
            Ok(_) => {}
            Err(error) => self.problem(error.to_string()),
        }
    }

    async fn step(&mut self, step: &CompletedStep) -> Result<(), LedgerError> {
        let Some(head) = step.manifest.clone() else { return Ok(()) };
        match self.ledger.open_manifest(head).await {
            Ok(manifest) => {
                self.outcomes(&manifest).await;
                self.rows(step, &manifest).await;
                self.missing_artifacts(step, &manifest).await;
            }
            Err(error) => self.problem(error.to_string()),
        }
        for file in &step.files {
            self.file(&file.path, &file.digest, file.length).await?;
        }
        Ok(())
    }

    /// Every frame has exactly one outcome: tasks tile, and the outcomes of each are disjoint.
    async fn outcomes(&mut self, manifest: &Manifest) {
        let mut counts = StepCounts { step: manifest.step.clone(), complete: manifest.complete, ..Default::default() };
        let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
        // Numbers of stills that no task has: of pictures that are gone, and those that were never given.
        let mut unused: BTreeMap<u32, Vec<FrameRange>> = BTreeMap::new();
        let mut tasks = self.ledger.tasks(manifest);
        while let Some(task) = tasks.next().await {
            let task = match task {
                Ok(task) => task,
                Err(error) => {
                    self.problem(error.to_string());
                    break;
                }
            };
            let (item, range) = (manifest.item_name(&task), task.range.unwrap_or_default());
            let what = format!("step {}, {item} frames {}–{}", manifest.step, range.start, range.end);
            match ends.insert(task.item, range.end) {
                Some(end) if range.start < end => self.problem(format!("{what}: frames before {end} are in two tasks")),
                Some(end) if range.start > end && !task.files.is_empty() => {
                    unused.entry(task.item).or_default().push(FrameRange { start: end, end: range.start });
                }
                Some(end) if range.start > end && manifest.complete => {
                    self.problem(format!("{what}: frames {end}–{} are in no task", range.start));
                }
                _ => {}
            }
            let entry = parse_key(manifest, &task.key).and_then(|key| self.ledger.known(&key, &what));
            match entry.map_err(|error| error.to_string()).and_then(|entry| check_entry(&entry, item, &task, &what)) {
                Ok(found) => {
                    counts.result += found.result;
                    counts.failed += found.failed;
                    counts.skipped += found.skipped;
                }
                Err(problem) => self.problem(problem),
            }
        }
        if manifest.complete {
            for (place, ranges) in unused {
                if let Err(error) = self.unused(manifest, place as usize, &ranges).await {
                    self.problem(error.to_string());
                }
            }
        }
        self.report.steps.push(counts);
    }

    /// No picture of a folder has one of these numbers, which no task of a step has.
    async fn unused(&mut self, manifest: &Manifest, place: usize, ranges: &[FrameRange]) -> Result<(), LedgerError> {
        let Some(item) = manifest.items().nth(place) else { return Ok(()) };
        let known = if item.kind() == ItemKind::Stills { self.ledger.folder(&item.name).await? } else { None };
        let Some(known) = known else {
            let FrameRange { start, end } = ranges.first().copied().unwrap_or_default();
            self.problem(format!("step {}, {}: frames {start}–{end} are in no task", manifest.step, item.name));
            return Ok(());
        };
        let mut batches = self.ledger.read_document::<KnownBatch>(&known);
        while let Some(batch) = batches.try_next().await?.map(|known| known.batch.unwrap_or_default()) {
            let missing = |frame: u64| ranges.iter().any(|range| (range.start..range.end).contains(&frame));
            for file in batch.files.iter().filter(|file| missing(file.frame)) {
                let (step, item, frame) = (&manifest.step, &item.name, file.frame);
                self.problem(format!("step {step}, {item}: {} (frame {frame}) is in no task", file.name));
            }
        }
        Ok(())
    }

    /// Adds a step's rows and summary to the digest; with `deep`, compares the record lines with them.
    async fn rows(&mut self, step: &CompletedStep, manifest: &Manifest) {
        self.hash(b"step", manifest.step.as_bytes());
        if let Err(error) = self.try_rows(step, manifest).await {
            self.problem(error.to_string());
        }
        match self.ledger.summary(manifest).await {
            Ok(summary) => self.hash(b"summary", Value::from(summary).to_string().as_bytes()),
            Err(error) => self.problem(error.to_string()),
        }
    }

    async fn try_rows(&mut self, step: &CompletedStep, manifest: &Manifest) -> Result<(), LedgerError> {
        let path = layout::records(&manifest.step, "jsonl");
        let hidden: Vec<(String, String)> = step
            .parquet_only
            .iter()
            .filter_map(|field| field.split_once('.'))
            .map(|(kind, field)| (kind.into(), field.into()))
            .collect();
        let mut lines = match self.deep {
            true => Lines::open(&self.ledger, &path).await?,
            false => None,
        };
        let ledger = self.ledger.clone();
        let mut rows = ledger.rows(manifest);
        let mut count = 0_u64;
        while let Some(row) = rows.try_next().await? {
            let record = row.to_json(&manifest.kinds)?;
            self.hash(b"row", &line(&record));
            count += 1;
            if let Some(found) = &mut lines
                && found.next().await? != line(&without(record, &hidden))
            {
                self.problem(format!(
                    "{path} line {count} is not what the ledger has of {} frame {}",
                    row.item, row.frame
                ));
                lines = None;
            }
        }
        if let Some(found) = &mut lines
            && !found.next().await?.is_empty()
        {
            self.problem(format!("{path} has more lines than the ledger has rows"));
        }
        if self.deep && step.parquet {
            let path = layout::records(&manifest.step, "parquet");
            match parquet_rows(&self.ledger, &path).await {
                Ok(found) if found == count => {}
                Ok(found) => self.problem(format!("{path} has {found} rows, the ledger {count}")),
                Err(problem) => self.problem(format!("{path}: {problem}")),
            }
        }
        Ok(())
    }

    /// Adds artifacts to the digest of the whole; that their bytes have these digests was checked with the files.
    fn artifacts(&mut self, steps: &[CompletedStep]) {
        let files = steps.iter().flat_map(|step| &step.files).filter(|file| file.path.starts_with("artifacts/"));
        let sorted: BTreeMap<&str, &[u8]> = files.map(|file| (file.path.as_str(), file.digest.as_ref())).collect();
        for (path, digest) in sorted {
            self.hash(b"artifact", path.as_bytes());
            self.hash(b"digest", digest);
        }
    }

    /// Tells of artifacts that a step's entries list and its files do not.
    async fn missing_artifacts(&mut self, step: &CompletedStep, manifest: &Manifest) {
        match missing_artifacts(&self.ledger, step, manifest).await {
            Ok(missing) => missing.into_iter().for_each(|problem| self.problem(problem)),
            Err(error) => self.problem(error.to_string()),
        }
    }

    /// Checks the parts of all entries, those of no result included. Artifacts of completed steps lie among their files.
    async fn parts(&mut self, steps: &[CompletedStep]) -> Result<(), LedgerError> {
        let slots: Vec<(TaskKey, Arc<Entry>, bool)> = {
            let index = self.ledger.index();
            index.slots.iter().map(|(key, slot)| (*key, slot.entry, slot.place == Place::Loose)).collect()
        };
        let published: std::collections::HashSet<&[u8]> =
            steps.iter().flat_map(|step| &step.files).map(|file| file.digest.as_ref()).collect();
        let mut missing = Vec::new();
        for (key, entry, loose) in slots {
            if annotations_part(&entry).is_some() {
                match self.ledger.block_bytes(&key).await {
                    Ok((bytes, _)) => self.count(bytes.len() as u64),
                    Err(error) => self.problem(error.to_string()),
                }
            }
            if loose && let Err(reason) = outcomes::check(&entry) {
                self.problem(format!("{}: {reason}", describe(&entry)));
            }
            for part in entry.parts.iter().filter(|part| layout::kind(part) != PartKind::Annotations) {
                let moved = layout::kind(part) == PartKind::Artifact && published.contains(part.digest.as_ref());
                let path = layout::part(&key, part);
                if !moved && part.frame.is_some() && self.ledger.inner.store.length(&path).await?.is_none() {
                    missing.push((key, part.clone()));
                } else if !moved {
                    self.file(&path, &part.digest, part.length).await?;
                }
            }
        }
        let tasks = missing.iter().map(|(key, _)| *key).collect();
        let gone = GonePictures::find(&self.ledger.inner.store, steps, &tasks).await?;
        for (key, part) in missing.into_iter().filter(|(key, part)| !gone.have(key, part)) {
            self.problem(format!("{} is missing", layout::part(&key, &part)));
        }
        Ok(())
    }

    async fn file(&mut self, path: &str, digest: &[u8], length: u64) -> Result<(), LedgerError> {
        match self.ledger.inner.store.digest(path).await? {
            None => self.problem(format!("{path} is missing")),
            Some((found, bytes)) if found.as_bytes()[..] == *digest && bytes == length => self.count(bytes),
            Some((_, bytes)) if bytes != length => {
                self.problem(format!("{path} has {bytes} bytes instead of {length}"))
            }
            Some(_) => self.problem(format!("{path} has other bytes than were written")),
        }
        Ok(())
    }
}

fn name(step: &CompletedStep) -> &str {
    step.manifest.as_ref().map_or("", |manifest| &manifest.step)
}

/// Whether an entry is that of a task of a manifest, with one outcome for every frame.
fn check_entry(entry: &Entry, item: &str, task: &TaskResult, what: &str) -> Result<outcomes::Counts, String> {
    let id = entry.id.as_ref();
    if id.and_then(|id| id.range) != task.range || id.is_none_or(|id| id.item != item) {
        return Err(format!("{what}: its entry is that of {}", describe(entry)));
    }
    presence::count(entry, task).map_err(|reason| format!("{what}: {reason}"))
}

/// Artifacts that a step's entries list and its files do not.
async fn missing_artifacts(
    ledger: &Ledger,
    step: &CompletedStep,
    manifest: &Manifest,
) -> Result<Vec<String>, LedgerError> {
    let listed: BTreeMap<&str, &[u8]> =
        step.files.iter().map(|file| (file.path.as_str(), file.digest.as_ref())).collect();
    let paths = ArtifactPaths::new(manifest);
    let parts_of = |key: &TaskKey| ledger.slot(key).map(|slot| slot.entry.parts.clone()).unwrap_or_default();
    let is_missing = |path: &str, part: &Part| {
        let path = layout::artifact(&manifest.step, path);
        layout::kind(part) == PartKind::Artifact && listed.get(path.as_str()) != Some(&part.digest.as_ref())
    };
    let mut missing = Vec::new();
    let mut tasks = ledger.tasks(manifest);
    while let Some(task) = tasks.try_next().await? {
        let parts = TaskKey::from_bytes(&task.key).map(|key| parts_of(&key)).unwrap_or_default();
        let placed =
            parts.iter().filter_map(|part| Some((paths.of_part(manifest.item_name(&task), &task, part)?, part)));
        missing.extend(placed.filter(|(path, part)| is_missing(path, part)).map(|(path, _)| path));
    }
    let finished = finish_key(manifest).ok().flatten().map(|key| parts_of(&key)).unwrap_or_default();
    missing.extend(finished.into_iter().filter(|part| is_missing(&part.name, part)).map(|part| part.name));
    let problem = |path| format!("artifact \"{path}\" of step {} was not published", manifest.step);
    Ok(missing.into_iter().map(problem).collect())
}
