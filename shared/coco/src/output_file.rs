//! coco.json in an output: it follows from the rows of all steps that find something, as records do.
use crate::CocoError;
use crate::file::{CocoFile, Piece, VERSION};
use bytes::Bytes;
use framefleet_ledger::{Ledger, Upload, layout, step_name};
use framefleet_objects::{Objects, PART_KINDS};
use framefleet_proto::v1::CompletedStep;
use prost::Message;

/// The kind of objects that are joined of several steps' results.
const SUBJECT: &str = "subject";

/// What coco.json was made of, in the ledger's cache.
const STAMP: &str = "coco";

/// Writes coco.json anew when it is not that of the steps as they are; without a step that makes masks, faces or poses there is none.
pub async fn refresh(ledger: &Ledger) -> Result<(), CocoError> {
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

/// What coco.json should be.
pub struct Expected {
    /// Digest of the file.
    pub file: blake3::Hash,
    /// The same without the folder of the source, which is the same wherever source and output lie.
    pub portable: blake3::Hash,
}

/// What coco.json should be; `None` when there should be none of ours.
pub async fn expected(ledger: &Ledger) -> Result<Option<Expected>, CocoError> {
    let steps = coco_steps(ledger).await?;
    if steps.is_empty() {
        return Ok(None);
    }
    let (mut file, mut portable) = (blake3::Hasher::new(), blake3::Hasher::new());
    write(ledger, &steps, &mut Sink::Digest(&mut file, &mut portable)).await?;
    Ok(Some(Expected { file: file.finalize(), portable: portable.finalize() }))
}

async fn write(ledger: &Ledger, steps: &[CompletedStep], to: &mut Sink<'_>) -> Result<(), CocoError> {
    let mut manifests = Vec::new();
    for head in steps.iter().filter_map(|step| step.manifest.clone()) {
        manifests.push(ledger.open_manifest(head).await?);
    }
    let artifacts = steps.iter().flat_map(|step| &step.files).map(|file| file.path.clone());
    let Some(mut objects) = Objects::open(ledger, &manifests, &[], false).await? else { return Ok(()) };
    let names: Vec<String> = manifests.iter().map(|manifest| manifest.step.clone()).collect();
    let mut file = CocoFile::new(objects.items(), &names, artifacts)?;
    to.text(&file.begin()).await?;
    while let Some(frame) = objects.next().await? {
        to.text(&file.frame(&frame, None)?).await?;
    }
    for piece in file.end()? {
        match piece? {
            Piece::Text(text) => to.text(&text).await?,
            Piece::Root(root) => to.root(&root).await?,
        }
    }
    Ok(())
}

/// The steps whose kinds are written, by name.
async fn coco_steps(ledger: &Ledger) -> Result<Vec<CompletedStep>, CocoError> {
    let is_shown = |kind: &String| kind == SUBJECT || PART_KINDS.contains(&kind.as_str());
    let makes =
        |step: &CompletedStep| step.manifest.as_ref().is_some_and(|manifest| manifest.kinds.iter().any(is_shown));
    let mut steps = ledger.completed_steps().await?;
    steps.retain(makes);
    steps.sort_by(|a, b| step_name(a).cmp(step_name(b)));
    Ok(steps)
}

/// Where a file's text goes.
enum Sink<'a> {
    File(&'a mut Upload),
    /// Digests of all, and of all but the root.
    Digest(&'a mut blake3::Hasher, &'a mut blake3::Hasher),
}

impl Sink<'_> {
    async fn text(&mut self, text: &str) -> Result<(), CocoError> {
        match self {
            Self::File(upload) => upload.write(text.as_bytes()).await?,
            Self::Digest(all, portable) => {
                all.update(text.as_bytes());
                portable.update(text.as_bytes());
            }
        }
        Ok(())
    }

    async fn root(&mut self, root: &str) -> Result<(), CocoError> {
        match self {
            Self::File(upload) => upload.write(root.as_bytes()).await?,
            Self::Digest(all, _) => {
                all.update(root.as_bytes());
            }
        }
        Ok(())
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
