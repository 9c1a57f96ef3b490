//! What people are shown of the results.
use framefleet_stage::Field;

/// Numbers of tracks and points are on request: their mean says nothing.
pub const FIELDS: &[Field] = &[Field::number("pose", "score", "Confidence in persons", "%", 100.0)];
