//! What people are shown of the results.
use framefleet_stage::Field;

/// The category of each shot and frame, and how likely it is.
pub const FIELDS: &[Field] = &[
    Field::word("embedding", "category", "Category"),
    Field::number("embedding", "p1", "Confidence in categories", "%", 100.0),
    Field::of_shot("category", "category", "Category"),
];
