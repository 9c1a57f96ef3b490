//! What is to be exported.
use crate::{Format, Settings};
use framefleet_selection::Selection;
use std::path::Path;

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
