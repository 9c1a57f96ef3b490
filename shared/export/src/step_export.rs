//! From the records of one step to the writer of a format.
use crate::exported::Written;
use crate::mask_products::MaskProducts;
use crate::overlay::Overlay;
use crate::writer::{FrameRecord, Writer};
use crate::{ExportError, Exported, Request};
use framefleet_frames::{Item, Pictures};
use framefleet_ledger::{Ledger, Manifest};
use framefleet_masks::MaskProduct;
use framefleet_objects::record;
use framefleet_records::ArtifactPaths;
use futures::TryStreamExt;

/// What is written of one step's records.
#[derive(Clone, Copy)]
pub(crate) enum Picture {
    Overlay,
    Mask(MaskProduct),
}

/// Exports a step of an output.
pub(crate) async fn export(
    ledger: &Ledger,
    picture: Picture,
    request: &Request<'_>,
    pictures: &mut dyn Pictures,
) -> Result<Exported, ExportError> {
    let manifests = ledger.manifests().await?;
    let manifest = choose(&manifests, request)?;
    let chosen = request.selection.map(|selection| selection.by_frame());
    let mut writer = writer(picture, request, pictures);
    let paths = ArtifactPaths::new(manifest);
    let mut rows = ledger.rows(manifest);
    let mut frames = 0;
    let mut current: Option<&Item> = None;
    while let Some(row) = rows.try_next().await? {
        let is_chosen = chosen.as_ref().is_none_or(|chosen| chosen.contains_key(&(row.item.as_str(), row.frame)));
        if row.frame % request.every.max(1) != 0 || !is_chosen {
            continue;
        }
        if current.is_none_or(|item| item.name != row.item) {
            end(&mut *writer, current)?;
            current = manifest.items().find(|item| item.name == row.item);
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
    let written = Written { files: writer.finish()?, ..Written::default() };
    Ok(Exported::new(vec![manifest.step.clone()], frames, written))
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
    match (request.steps, fitting.as_slice()) {
        ([step], _) => fitting.iter().find(|manifest| manifest.step == *step).copied().ok_or_else(|| {
            ExportError::WrongStep { step: step.clone(), format: request.format, fitting: names(&fitting) }
        }),
        ([], []) => {
            Err(ExportError::NoStep { format: request.format, steps: names(&manifests.iter().collect::<Vec<_>>()) })
        }
        ([], _) => {
            // Formats that show several kinds say which comes first.
            let makes = |kind: &&str| fitting.iter().any(|manifest| manifest.kinds.iter().any(|made| made == kind));
            let kind = request.format.kinds().iter().find(|kind| makes(kind)).copied().unwrap_or_default();
            let preferred = || fitting.iter().filter(|manifest| manifest.kinds.iter().any(|made| made == kind));
            match (preferred().next(), preferred().count()) {
                (Some(only), 1) => Ok(only),
                _ => Err(ExportError::SeveralSteps { format: request.format, fitting: names(&fitting) }),
            }
        }
        (several, _) => Err(ExportError::SeveralSteps { format: request.format, fitting: several.join(", ") }),
    }
}

/// The writer of what is asked for.
fn writer<'a>(picture: Picture, request: &Request<'a>, pictures: &'a mut dyn Pictures) -> Box<dyn Writer + 'a> {
    match picture {
        Picture::Overlay => Box::new(Overlay::new(request.folder, pictures)),
        Picture::Mask(product) => {
            Box::new(MaskProducts::new(product, request.settings.context, request.folder, pictures))
        }
    }
}
