//! COCO: masks, faces and poses in the format of the COCO data sets (object instances and keypoints). coco.json in an output has those of all
//! steps and follows from the steps' rows, as records do; exports write the same of one step.
mod annotation;
mod file;
mod images;

pub use file::{CocoFile, CocoFrame};

use crate::{RecordsError, record};
use bytes::Bytes;
use file::{KINDS, VERSION};
use framefleet_frames::Outcome;
use framefleet_ledger::{Ledger, Upload, layout, step_name};
use framefleet_proto::v1::CompletedStep;
use futures::TryStreamExt;
use prost::Message;

/// What coco.json was made of, in the ledger's cache.
const STAMP: &str = "coco";

/// Writes coco.json anew when it is not that of the steps as they are; without a step that makes masks, faces or poses there is none.
pub(crate) async fn refresh(ledger: &Ledger) -> Result<(), RecordsError> {
    let steps = coco_steps(ledger).await?;
    if steps.is_empty() {
        return Ok(());
    }
    let stamp = stamp(&steps);
    let store = ledger.store();
    let written = ledger.read_cache(STAMP).await?;
    if written.as_deref() == Some(stamp.as_bytes()) && store.length(layout::COCO).await?.is_some() {
        return Ok(());
    }
    ledger.check_owner("write coco.json")?;
    let mut upload = store.upload(layout::COCO).await?;
    write(ledger, &steps, &mut Sink::File(&mut upload)).await?;
    upload.finish().await?;
    Ok(ledger.write_cache(STAMP, Bytes::copy_from_slice(stamp.as_bytes())).await?)
}

/// What coco.json should be: its digest; `None` when there should be none of ours.
pub(crate) async fn expected_digest(ledger: &Ledger) -> Result<Option<blake3::Hash>, RecordsError> {
    let steps = coco_steps(ledger).await?;
    if steps.is_empty() {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    write(ledger, &steps, &mut Sink::Digest(&mut hasher)).await?;
    Ok(Some(hasher.finalize()))
}

async fn write(ledger: &Ledger, steps: &[CompletedStep], to: &mut Sink<'_>) -> Result<(), RecordsError> {
    let mut manifests = Vec::new();
    for head in steps.iter().filter_map(|step| step.manifest.clone()) {
        manifests.push(ledger.open_manifest(head).await?);
    }
    let artifacts = steps.iter().flat_map(|step| &step.files).map(|file| file.path.clone());
    let mut file = CocoFile::new(&KINDS, &manifests.iter().collect::<Vec<_>>(), artifacts)?;
    to.write(&file.begin()).await?;
    for manifest in &manifests {
        let mut rows = ledger.rows(manifest);
        while let Some(row) = rows.try_next().await? {
            if row.outcome == Outcome::Result {
                let frame =
                    CocoFrame { step: &manifest.step, item: &row.item, number: row.frame, file: row.file.as_ref() };
                to.write(&file.row(frame, &record(&row, &manifest.kinds)?)?).await?;
            }
        }
    }
    for piece in file.end()? {
        to.write(&piece?).await?;
    }
    Ok(())
}

/// The steps whose kinds are written, by name.
async fn coco_steps(ledger: &Ledger) -> Result<Vec<CompletedStep>, RecordsError> {
    let makes = |step: &CompletedStep| {
        step.manifest.as_ref().is_some_and(|manifest| manifest.kinds.iter().any(|kind| KINDS.contains(&kind.as_str())))
    };
    let mut steps = ledger.completed_steps().await?;
    steps.retain(makes);
    steps.sort_by(|a, b| step_name(a).cmp(step_name(b)));
    Ok(steps)
}

/// Where a file's text goes.
enum Sink<'a> {
    File(&'a mut Upload),
    Digest(&'a mut blake3::Hasher),
}

impl Sink<'_> {
    async fn write(&mut self, text: &str) -> Result<(), RecordsError> {
        match self {
            Self::File(upload) => Ok(upload.write(text.as_bytes()).await?),
            Self::Digest(hasher) => {
                hasher.update(text.as_bytes());
                Ok(())
            }
        }
    }
}

/// What the file was made of, and how.
fn stamp(steps: &[CompletedStep]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(VERSION.as_bytes());
    for step in steps {
        hasher.update(&step.encode_length_delimited_to_vec());
    }
    hasher.finalize()
}
