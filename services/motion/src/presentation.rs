//! What reports show of motion, most telling first.
use framefleet_stage::Field;

/// The fields.
pub const FIELDS: &[Field] = &[
    Field::number("motion", "magnitude_percent", "Motion", "% of width", 1.0),
    Field::number("motion", "objects.magnitude_mean", "Motion of objects", "px", 1.0),
    Field::number("motion", "density", "Picture that moves", "%", 100.0),
    Field::number("motion", "change.content", "Change of content", "", 1.0),
    Field::word("motion", "camera.label", "Camera"),
    Field::word("motion", "motion_type", "Motion type"),
    Field::word("action", "label", "Character of motion"),
    Field::of_shot("shot", "transition", "Begins with"),
    Field::of_shot("shot", "camera", "Camera"),
];
