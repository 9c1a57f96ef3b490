//! From the records of a step to the writer of a format.
use crate::coco_keypoints::CocoKeypoints;
use crate::mask_products::MaskProducts;
use crate::mot::Mot;
use crate::overlay::Overlay;
use crate::writer::{FrameRecord, Writer};
use crate::{ExportError, Format, Pictures};
use framefleet_frames::Item;
use framefleet_ledger::{Ledger, Manifest};
use framefleet_records::{ArtifactPaths, record};
use futures::TryStreamExt;
use std::path::{Path, PathBuf};

/// What is to be exported.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// As what.
    pub format: Format,
    /// The step whose records are read; `None` when only one step makes what the format shows.
    pub step: Option<&'a str>,
    /// An existing folder; files in it are replaced.
    pub folder: &'a Path,
    /// Frames whose number is a multiple of this are exported; 1: all.
    pub every: u64,
    /// Surroundings of an instance in context and blurred pictures, pixels.
    pub context: u32,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The step that was read.
    pub step: String,
    /// Frames that have a result.
    pub frames: u64,
    /// Files that were written.
    pub files: Vec<PathBuf>,
}

/// Exports a step of an output.
pub async fn export(
    ledger: &Ledger,
    request: &Request<'_>,
    pictures: &mut dyn Pictures,
) -> Result<Exported, ExportError> {
    let manifests = ledger.manifests().await?;
    let manifest = choose(&manifests, request)?;
    let mut writer = writer(request, manifest, pictures)?;
    let paths = ArtifactPaths::new(manifest);
    let mut rows = ledger.rows(manifest);
    let mut frames = 0;
    let mut current: Option<&Item> = None;
    while let Some(row) = rows.try_next().await? {
        if row.frame % request.every.max(1) != 0 {
            continue;
        }
        if current.is_none_or(|item| item.name != row.item) {
            end(&mut *writer, current)?;
            current = manifest.items().find(|item| item.name == row.item);
            if let Some(item) = current {
                writer.begin(item)?;
            }
        }
        let Some(item) = current else { continue };
        let record = FrameRecord {
            item,
            number: row.frame,
            file: row.file.as_ref(),
            paths: &paths,
            pts_ns: row.pts_ns,
            outcome: &row.outcome,
            record: record(&row, &manifest.kinds)?,
        };
        frames += u64::from(record.has_result());
        writer.frame(&record)?;
    }
    end(&mut *writer, current)?;
    Ok(Exported { step: manifest.step.clone(), frames, files: writer.finish()? })
}

fn end(writer: &mut dyn Writer, item: Option<&Item>) -> Result<(), ExportError> {
    item.map_or(Ok(()), |item| writer.end(item))
}

/// The step that is asked for, or the only one that makes a kind that the format shows.
fn choose<'m>(manifests: &'m [Manifest], request: &Request<'_>) -> Result<&'m Manifest, ExportError> {
    let shows =
        |manifest: &&Manifest| manifest.kinds.iter().any(|kind| request.format.kinds().contains(&kind.as_str()));
    let fitting: Vec<&Manifest> = manifests.iter().filter(shows).collect();
    let names = |of: &[&Manifest]| of.iter().map(|manifest| manifest.step.as_str()).collect::<Vec<_>>().join(", ");
    match (request.step, fitting.as_slice()) {
        (Some(step), _) => fitting.iter().find(|manifest| manifest.step == step).copied().ok_or_else(|| {
            ExportError::WrongStep { step: step.to_owned(), format: request.format, fitting: names(&fitting) }
        }),
        (None, []) => {
            Err(ExportError::NoStep { format: request.format, steps: names(&manifests.iter().collect::<Vec<_>>()) })
        }
        (None, _) => {
            // Formats that show several kinds say which comes first.
            let makes = |kind: &&str| fitting.iter().any(|manifest| manifest.kinds.iter().any(|made| made == kind));
            let kind = request.format.kinds().iter().find(|kind| makes(kind)).copied().unwrap_or_default();
            let preferred = || fitting.iter().filter(|manifest| manifest.kinds.iter().any(|made| made == kind));
            match (preferred().next(), preferred().count()) {
                (Some(only), 1) => Ok(only),
                _ => Err(ExportError::SeveralSteps { format: request.format, fitting: names(&fitting) }),
            }
        }
    }
}

/// The writer of the format that is asked for.
fn writer<'a>(
    request: &Request<'a>,
    manifest: &Manifest,
    pictures: &'a mut dyn Pictures,
) -> Result<Box<dyn Writer + 'a>, ExportError> {
    let folder = request.folder;
    Ok(match request.format {
        Format::CocoKeypoints => Box::new(CocoKeypoints::create(folder, manifest)?),
        Format::Mot => Box::new(Mot::new(folder)),
        Format::Overlay => Box::new(Overlay::new(folder, pictures)),
        Format::MaskProduct(product) => Box::new(MaskProducts::new(product, request.context, folder, pictures)),
    })
}
