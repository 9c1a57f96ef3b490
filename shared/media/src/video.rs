//! Videos: decoders that go on and seek, and what becomes of the pictures they give.
pub(crate) mod convert;
pub(crate) mod cursor;
pub mod deinterlace;
mod fit;
mod numbering;
pub(crate) mod reader;
pub(crate) mod runs;
pub mod scan;
