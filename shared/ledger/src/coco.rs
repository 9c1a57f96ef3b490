//! COCO: masks, faces and poses in the format of the COCO data sets (object instances and keypoints). coco.json in an output has those of all
//! steps and follows from the steps' rows, as records do; exports write the same of one step.
mod annotation;
mod file;
mod images;

pub use file::{CocoFile, CocoFrame};

use crate::store::Upload;
use crate::{Ledger, LedgerError, layout};
use bytes::Bytes;
use file::{KINDS, VERSION};
use framefleet_media::Outcome;
use framefleet_proto::v1::CompletedStep;
use futures::TryStreamExt;
use prost::Message;

impl Ledger {
    /// Writes coco.json anew when it is not that of the steps as they are; without a step that makes masks, faces or poses there is none.
    pub(crate) async fn refresh_coco(&self) -> Result<(), LedgerError> {
        let steps = self.coco_steps().await?;
        if steps.is_empty() {
            return Ok(());
        }
        let stamp = stamp(&steps);
        let store = &self.inner.store;
        let written = store.read(layout::COCO_STAMP).await?;
        if written.as_deref() == Some(stamp.as_bytes()) && store.length(layout::COCO).await?.is_some() {
            return Ok(());
        }
        self.check_owner("write coco.json")?;
        let mut upload = store.upload(layout::COCO).await?;
        self.write_coco(&steps, &mut Sink::File(&mut upload)).await?;
        upload.finish().await?;
        store.write(layout::COCO_STAMP, Bytes::copy_from_slice(stamp.as_bytes())).await
    }

    /// What coco.json should be: its digest; `None` when there should be none of ours.
    pub(crate) async fn coco_digest(&self) -> Result<Option<blake3::Hash>, LedgerError> {
        let steps = self.coco_steps().await?;
        if steps.is_empty() {
            return Ok(None);
        }
        let mut hasher = blake3::Hasher::new();
        self.write_coco(&steps, &mut Sink::Digest(&mut hasher)).await?;
        Ok(Some(hasher.finalize()))
    }

    async fn write_coco(&self, steps: &[CompletedStep], to: &mut Sink<'_>) -> Result<(), LedgerError> {
        let mut manifests = Vec::new();
        for head in steps.iter().filter_map(|step| step.manifest.clone()) {
            manifests.push(self.open_manifest(head).await?);
        }
        let artifacts = steps.iter().flat_map(|step| &step.files).map(|file| file.path.clone());
        let mut file = CocoFile::new(&KINDS, &manifests.iter().collect::<Vec<_>>(), artifacts)?;
        to.write(&file.begin()).await?;
        for manifest in &manifests {
            let mut rows = self.rows(manifest);
            while let Some(row) = rows.try_next().await? {
                if row.outcome == Outcome::Result {
                    let frame =
                        CocoFrame { step: &manifest.step, item: &row.item, number: row.frame, file: row.file.as_ref() };
                    to.write(&file.row(frame, &row.to_json(&manifest.kinds)?)?).await?;
                }
            }
        }
        for piece in file.end()? {
            to.write(&piece?).await?;
        }
        Ok(())
    }

    /// The steps whose kinds are written, by name.
    async fn coco_steps(&self) -> Result<Vec<CompletedStep>, LedgerError> {
        let makes = |step: &CompletedStep| {
            step.manifest
                .as_ref()
                .is_some_and(|manifest| manifest.kinds.iter().any(|kind| KINDS.contains(&kind.as_str())))
        };
        let mut steps = self.completed_steps().await?;
        steps.retain(makes);
        steps.sort_by(|a, b| name(a).cmp(name(b)));
        Ok(steps)
    }
}

/// Where a file's text goes.
enum Sink<'a> {
    File(&'a mut Upload),
    Digest(&'a mut blake3::Hasher),
}

impl Sink<'_> {
    async fn write(&mut self, text: &str) -> Result<(), LedgerError> {
        match self {
            Self::File(upload) => upload.write(text.as_bytes()).await,
            Self::Digest(hasher) => {
                hasher.update(text.as_bytes());
                Ok(())
            }
        }
    }
}

fn name(step: &CompletedStep) -> &str {
    step.manifest.as_ref().map_or("", |manifest| &manifest.step)
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
