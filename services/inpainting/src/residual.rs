//! What fills the rest of a hole, which no frame shows: LaMa, or colours from the edge.

pub(crate) mod lama;
pub(crate) mod telea;
