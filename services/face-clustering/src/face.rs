//! One face of one frame: found, aligned, embedded, judged, and a small image of it.

pub(crate) mod crops;
pub(crate) mod detection;
pub(crate) mod embedding;
pub(crate) mod observation;
pub(crate) mod quality;
pub(crate) mod tensor;
