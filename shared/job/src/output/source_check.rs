//! Whether the items of an output are still what its steps were made of.
use super::job_file;
use crate::error::JobError;
use framefleet_frames::{Content, Item, ItemKind, frame::batch_frames};
use framefleet_ledger::{Ledger, Manifest};
use framefleet_stage::{IndexRequest, SourceStage as _};
use futures::TryStreamExt as _;
use ingest::Ingest;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What came of comparing.
#[derive(Debug, Default)]
pub struct SourceCheck {
    /// Items that were read again.
    pub compared: u64,
    /// Items that are not where they were, or of which the output does not say what they consisted of.
    pub left_out: Vec<String>,
    /// What is no longer as it was, in words.
    pub problems: Vec<String>,
}

/// Reads every item again, whatever was kept of it, and compares it with what the steps say that they were made of.
pub async fn check(ledger: &Ledger) -> Result<SourceCheck, JobError> {
    let source = Ingest::new(ingest::resolve(&job_file::ingest(ledger).await?)?);
    let manifests = ledger.manifests().await?;
    let mut steps_of: BTreeMap<String, Vec<(String, Item)>> = BTreeMap::new();
    for manifest in &manifests {
        for item in manifest.items() {
            steps_of.entry(item.name.clone()).or_default().push((manifest.step.clone(), item.clone()));
        }
    }
    let mut check = SourceCheck::default();
    for (name, steps) in steps_of {
        let known = steps.iter().find(|(_, item)| item.content.is_some() && Path::new(&item.location).exists());
        let Some((_, item)) = known else {
            check.left_out.push(name);
            continue;
        };
        check.compared += 1;
        if is_images(item) {
            continue;
        }
        match source.index(item, IndexRequest::fresh(batch_frames(item)), &mut |_| true) {
            Ok((now, _)) => check.problems.extend(differences(&name, &steps, &now.content.unwrap_or_default())),
            Err(error) => check.problems.push(format!("{name} cannot be read any more: {error}")),
        }
    }
    check.problems.extend(changed_images(ledger, &manifests).await?);
    Ok(check)
}

fn is_images(item: &Item) -> bool {
    matches!(item.kind(), ItemKind::Sequence | ItemKind::Stills)
}

/// Images of folders that are no longer what steps were made of. Each is read once; two digests of it are in memory.
async fn changed_images(ledger: &Ledger, manifests: &[Manifest]) -> Result<Vec<String>, JobError> {
    let mut now: HashMap<blake3::Hash, blake3::Hash> = HashMap::new();
    let mut changed: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for manifest in manifests {
        let items: Vec<&Item> = manifest.items().collect();
        let mut tasks = ledger.tasks(manifest);
        while let Some(task) = tasks.try_next().await? {
            let Some(item) = items.get(task.item as usize) else { continue };
            if !is_images(item) || !Path::new(&item.location).exists() {
                continue;
            }
            for file in task.files.iter().filter(|file| !file.digest.is_empty()) {
                let path = Path::new(&item.location).join(&file.name);
                let known = blake3::hash(path.as_os_str().as_encoded_bytes());
                let found = *now.entry(known).or_insert_with(|| digest_of(&path));
                if found.as_bytes()[..] != file.digest {
                    let steps = changed.entry(format!("{}/{}", item.name, file.name)).or_default();
                    if !steps.contains(&manifest.step.as_str()) {
                        steps.push(&manifest.step);
                    }
                }
            }
        }
    }
    let problem = |(name, steps): (String, Vec<&str>)| {
        format!("{name} is not the picture that the output was made of ({}): run the job again", steps.join(", "))
    };
    Ok(changed.into_iter().map(problem).collect())
}

/// Digest of a file as an index has it: one that cannot be read counts as empty.
fn digest_of(path: &Path) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What was read before a failure is as good as anything to tell this state of the file by.
        let _ = hasher.update_reader(file);
    }
    hasher.finalize()
}

/// One of an item's digests.
type Digest = fn(&Content) -> &[u8];

/// What of an item differs from what steps were made of.
fn differences(name: &str, steps: &[(String, Item)], now: &Content) -> Vec<String> {
    let parts: [(&str, Digest); 3] = [
        ("pictures", |content| &content.pictures),
        ("sound", |content| &content.audio),
        ("subtitles, chapters or metadata", |content| &content.metadata),
    ];
    let changed = parts.iter().filter_map(|(what, digest)| {
        let differs = |item: &Item| item.content.as_ref().is_some_and(|content| digest(content) != digest(now));
        let of: Vec<&str> = steps.iter().filter(|(_, item)| differs(item)).map(|(step, _)| step.as_str()).collect();
        let of = (!of.is_empty()).then(|| of.join(", "))?;
        // An output keeps to its films: another one under the same name is refused without one of these.
        let again = "run the job again with --fresh, or with another --output";
        Some(format!("{name}: its {what} are not those that the output was made of ({of}): {again}"))
    });
    changed.collect()
}
