//! Who speaks: turns that another program found, and whose mouth follows the speech.

pub(crate) mod diarisation;
pub(crate) mod utterances;
