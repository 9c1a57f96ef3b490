//! `report.html`: what a person looks at first, also of an unfinished job.
//!
//! [`gather`] reads an output's results into a [`Report`] of bounded size; [`render`] and [`render_item_page`] make it into
//! HTML files that fetch nothing and work from a disk.

mod collect;
mod columns;
mod error;
mod fields;
mod gather;
mod identities;
pub mod model;
mod output;
mod render;
mod script;
mod stills;
mod sync;
mod thumbnail;
mod tracks;

pub use error::ReportError;
pub use gather::{Gathering, JobFacts};
pub use identities::{ExtraPage, identity_pages};
pub use model::Report;
pub use output::gather;
pub use render::{ITEMS_PER_PAGE, item_page_path, item_pages, render, render_item_page};
pub use thumbnail::{Thumbnails, encode_jpeg};
pub use tracks::MAX_TRACKS;

/// Most columns of a timeline.
pub const MAX_COLUMNS: u64 = 2000;
/// Most shots that one item's list shows.
pub const MAX_SHOTS: usize = 2000;
/// Most failures that are listed; the rest is in failures.jsonl.
pub const MAX_FAILURES: usize = 200;
/// Most items that the overview lists.
pub const MAX_LISTED_ITEMS: usize = 5000;
/// Most bytes of base64 that the pictures in the overview's list take.
pub const MAX_POSTER_BYTES: usize = 6 << 20;
/// Most bytes of base64 that all thumbnails take.
pub const MAX_THUMBNAIL_BYTES: usize = 12 << 20;
