//! The results of a finished output in other programs' formats.
//!
//! [`export`] writes a [`Format`], row by row, so that memory does not grow with the footage. Data sets (`dataset/`, one file per format) are
//! written of objects: people and things, joined from several steps' records. Pictures of masks and overlays are written of one step's
//! records. Formats that show pixels get them from `framefleet_frames::Pictures`, which the caller provides. No models run.

mod dataset;
mod error;
mod export;
mod exported;
mod format;
mod mask_products;
mod overlay;
mod place;
mod request;
mod settings;
mod step_export;
mod writer;

pub use error::ExportError;
pub use export::export;
pub use exported::Exported;
pub use format::{Format, Layout};
pub use request::Request;
pub use settings::{ImageFormat, Settings, SplitBy, Splits, YoloTask};
