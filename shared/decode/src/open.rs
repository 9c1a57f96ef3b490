//! A decoder that is open.
use crate::video::Converter;
use crate::video::Cursor;

/// A decoder with its scalers.
pub(super) struct Open {
    pub(super) cursor: Cursor,
    pub(super) converter: Converter,
    /// Number of the source frame that comes next.
    pub(super) next: u64,
}
