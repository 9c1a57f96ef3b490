//! What reports show of mouths and voices. (The audio itself they draw from `av_offset`.)
use framefleet_stage::Field;

/// The fields.
pub const FIELDS: &[Field] = &[
    Field::number("mouth", "aperture", "Mouth aperture", "% of its width", 100.0),
    Field::word("speaking", "label", "Who speaks"),
];
