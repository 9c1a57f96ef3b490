//! Videos: decoders that go on and seek, and what becomes of the pictures they give.
mod convert;
mod cursor;
pub mod deinterlace;
mod filter_library;
mod fit;
mod numbering;
mod reader;
mod runs;
mod scan;

pub(crate) use convert::Converter;
pub use cursor::Cursor;
pub use numbering::timeline;
pub use reader::Decoded;
pub use runs::Runs;
pub use scan::measured_scan;
