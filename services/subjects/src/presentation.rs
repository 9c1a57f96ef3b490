//! What people are shown of the results.
use framefleet_stage::Field;

/// Whom a frame shows is said by names; numbers of parts are on request: their mean says nothing.
pub const FIELDS: &[Field] =
    &[Field::word("subject", "name", "Name"), Field::number("subject", "score", "Confidence in subjects", "%", 100.0)];
