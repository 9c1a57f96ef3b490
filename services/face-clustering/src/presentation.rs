//! What people are shown of the results.
use framefleet_stage::Field;

/// Numbers of tracks and identities are on request: their mean says nothing.
pub const FIELDS: &[Field] = &[
    Field::number("face", "score", "Confidence in faces", "%", 100.0),
    Field::number("face", "quality.size", "Size of faces", "px", 1.0),
];
