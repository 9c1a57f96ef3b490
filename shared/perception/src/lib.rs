//! What perception stages share: stages that look at frames, find things in them and follow these through footage.
//!
//! Process takes a frame as a [`FrameView`], runs models that [`require`] opened, searches [`tiles`] where things are small, and
//! turns what fails into a failed frame or another try of the task by [`PerceptionError`]. Finish reads its records item by item
//! with [`by_item`], follows things with a [`TrackSet`], predicts boxes with a [`BoxFilter`] and smooths series with [`OneEuro`].
//!
//! Only what at least three stages use, or are about to use, belongs here; what one stage alone needs stays in that stage.

mod error;
mod frame_view;
mod kalman;
mod mask_choice;
mod models;
mod one_euro;
mod records;
pub mod tiles;
mod tracking;

pub use error::{Blame, PerceptionError};
pub use frame_view::FrameView;
pub use kalman::BoxFilter;
pub use mask_choice::{ChosenMasks, MaskChoice, UNKNOWN_IDENTITY, UnknownIdentity};
pub use models::{of_finish, require};
pub use one_euro::OneEuro;
pub use records::{FrameResult, ItemResults, Items, by_item};
pub use tracking::{Association, Role, Track, TrackSet};
