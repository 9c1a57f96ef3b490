//! From what is asked for to who writes it.
use crate::step_export::Picture;
use crate::{ExportError, Exported, Format, Request, dataset, step_export};
use framefleet_frames::Pictures;
use framefleet_ledger::Ledger;

/// Exports an output.
pub async fn export(
    ledger: &Ledger,
    request: &Request<'_>,
    pictures: &mut dyn Pictures,
) -> Result<Exported, ExportError> {
    match request.format {
        Format::Dataset(layout) => dataset::export(ledger, layout, request, pictures).await,
        Format::Overlay => step_export::export(ledger, Picture::Overlay, request, pictures).await,
        Format::MaskProduct(product) => step_export::export(ledger, Picture::Mask(product), request, pictures).await,
    }
}
