//! What reports show of light, most telling first.
use framefleet_stage::Field;

/// The fields.
pub const FIELDS: &[Field] = &[
    Field::number("lighting", "exposure_ev", "Exposure", "EV", 1.0),
    Field::number("lighting", "illuminant.cct", "Colour temperature", "K", 1.0),
    Field::number("lighting", "contrast_rms", "Contrast (RMS)", "", 1.0),
    Field::number("lighting", "clipped_high", "Clipped highlights", "%", 100.0),
    Field::number("lighting", "shadows.area_share", "In shadow", "%", 100.0),
    Field::word("lighting", "key", "Key level"),
    Field::word("lighting", "illuminant.temperature", "Colour of light"),
    Field::word("lighting", "source.setup", "Lighting set-up"),
    Field::of_shot("look", "key", "Key level"),
    Field::of_shot("look", "temperature", "Light"),
    Field::of_shot("look", "direction", "Light from"),
    Field::of_shot("look", "setup", "Set-up"),
];
