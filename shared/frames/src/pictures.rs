//! Where pixels come from.
use crate::{Frame, Item};

/// Gives the pictures of the source.
pub trait Pictures {
    /// A frame of an item in full; `None` when it cannot be decoded. Frames are asked for in ascending order. An error says
    /// why nothing of the item can be read.
    fn picture(&mut self, item: &Item, frame: u64) -> Result<Option<Frame>, String>;
}
