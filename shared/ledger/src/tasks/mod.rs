//! What tasks made: committed once, found by key.
mod commit;
mod entry;
mod find;
mod marks;
pub mod outcomes;
mod parts;

pub use commit::CommitFile;
pub use entry::describe;
pub(crate) use entry::{annotations_part, frames};
