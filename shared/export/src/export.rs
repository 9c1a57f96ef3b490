//! What is asked for, and what came of it.
use crate::step_export::Picture;
use crate::{ExportError, Format, Settings, dataset, step_export};
use framefleet_frames::Pictures;
use framefleet_ledger::Ledger;
use framefleet_selection::Selection;
use std::path::{Path, PathBuf};

/// What is to be exported.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// As what.
    pub format: Format,
    /// The steps whose records are read; empty: what the format shows best.
    pub steps: &'a [String],
    /// An existing folder; files in it are replaced.
    pub folder: &'a Path,
    /// Frames whose number is a multiple of this are exported; 1: all.
    pub every: u64,
    /// Only frames of this selection; `kohya` has only its people, too.
    pub selection: Option<&'a Selection>,
    /// Of the format.
    pub settings: &'a Settings,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The steps that were read.
    pub steps: Vec<String>,
    /// Frames that have a result.
    pub frames: u64,
    /// People and things that were written; 0 for pictures of one step.
    pub objects: u64,
    /// Those that the format cannot say: without a track, or without a mask.
    pub left_out: u64,
    /// Files that were written.
    pub files: Vec<PathBuf>,
    /// Files that an earlier export wrote and that are as they should be.
    pub kept: Vec<PathBuf>,
    /// Files among these that are the user's, and never written again or removed: captions.
    pub handed_over: Vec<PathBuf>,
}

/// What a writer did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub files: Vec<PathBuf>,
    pub kept: Vec<PathBuf>,
    pub handed_over: Vec<PathBuf>,
    pub objects: u64,
    pub left_out: u64,
}

impl Exported {
    pub(crate) fn new(steps: Vec<String>, frames: u64, written: Written) -> Self {
        let Written { files, kept, handed_over, objects, left_out } = written;
        Self { steps, frames, objects, left_out, files, kept, handed_over }
    }
}

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
