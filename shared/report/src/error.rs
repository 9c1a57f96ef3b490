//! What can go wrong with a report.

/// Why a report could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The results could not be read.
    #[error("the results could not be read for the report: {0}")]
    Ledger(#[from] framefleet_ledger::LedgerError),
    /// A row is no record.
    #[error("the results could not be read for the report: {0}")]
    Objects(#[from] framefleet_objects::ObjectsError),
    /// A result is no JSON.
    #[error("a result cannot be shown as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The page's template is broken: a bug.
    #[error("the report's template: {0}")]
    Template(#[from] minijinja::Error),
    /// A frame could not be made into a thumbnail.
    #[error("a frame of {width}×{height} could not be made into a thumbnail: {source}")]
    Thumbnail {
        /// Width of the frame, pixels.
        width: u32,
        /// Height of the frame, pixels.
        height: u32,
        /// What is wrong with it.
        source: framefleet_vision::VisionError,
    },
    /// More items were asked for than there are.
    #[error("the report has {pages} pages of items, there is no page {page}")]
    NoPage {
        /// The page that was asked for, from 0.
        page: usize,
        /// How many there are.
        pages: usize,
    },
}
