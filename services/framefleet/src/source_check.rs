//! Whether the items of an output are still what its steps were made of.
use crate::failure::Failure;
use crate::job_file::JobFile;
use framefleet_ledger::Ledger;
use framefleet_media::{Content, Item, frame::batch_frames};
use framefleet_stage::{IndexRequest, SourceStage as _};
use ingest::Ingest;
use std::collections::BTreeMap;
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
pub async fn check(ledger: &Ledger) -> Result<SourceCheck, Failure> {
    let source = Ingest::new(ingest::resolve(&JobFile::ingest(ledger).await?)?);
    let mut steps_of: BTreeMap<String, Vec<(String, Item)>> = BTreeMap::new();
    for manifest in ledger.manifests().await? {
        for item in manifest.items.into_iter().filter_map(|of| of.item) {
            steps_of.entry(item.name.clone()).or_default().push((manifest.step.clone(), item));
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
        match source.index(item, IndexRequest::fresh(batch_frames(item)), &mut |_| true) {
            Ok((now, _)) => check.problems.extend(differences(&name, &steps, &now.content.unwrap_or_default())),
            Err(error) => check.problems.push(format!("{name} cannot be read any more: {error}")),
        }
    }
    Ok(check)
}

/// One of an item's digests.
type Digest = fn(&Content) -> &[u8];

/// What of an item differs from what steps were made of.
fn differences(name: &str, steps: &[(String, Item)], now: &Content) -> Vec<String> {
    let parts: [(&str, Digest); 3] = [
        ("pictures", |content| &content.pictures),
        ("sound", |content| &content.sound),
        ("subtitles, chapters or metadata", |content| &content.rest),
    ];
    let told = parts.iter().filter_map(|(what, digest)| {
        let differs = |item: &Item| item.content.as_ref().is_some_and(|content| digest(content) != digest(now));
        let of: Vec<&str> = steps.iter().filter(|(_, item)| differs(item)).map(|(step, _)| step.as_str()).collect();
        let of = (!of.is_empty()).then(|| of.join(", "))?;
        Some(format!("{name}: its {what} are not those that the output was made of ({of}): run the job again"))
    });
    told.collect()
}
