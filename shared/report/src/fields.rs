//! Which fields of which kinds the report shows at once, in which order, and how it calls them. Everything else that is a
//! number or a label is shown on request, under its own name.

/// A field with a number.
pub struct NumberField {
    /// Its kind.
    pub kind: &'static str,
    /// Its name in records; a dot leads into a nested object.
    pub path: &'static str,
    /// What a person calls it.
    pub name: &'static str,
    /// Unit of the shown value.
    pub unit: &'static str,
    /// Shown value ÷ value in records.
    pub scale: f64,
}

/// A field with one of a few words.
pub struct LabelField {
    /// Its kind.
    pub kind: &'static str,
    /// Its name in records; a dot leads into a nested object.
    pub path: &'static str,
    /// What a person calls it.
    pub name: &'static str,
}

/// Curves, most telling first.
pub const NUMBERS: &[NumberField] = &[
    number("lighting", "exposure_ev", "Exposure", "EV", 1.0),
    number("lighting", "illuminant.cct", "Colour temperature", "K", 1.0),
    number("lighting", "contrast_rms", "Contrast (RMS)", "", 1.0),
    number("lighting", "clipped_high", "Clipped highlights", "%", 100.0),
    number("lighting", "shadows.area_share", "In shadow", "%", 100.0),
    number("motion", "magnitude_percent", "Motion", "% of width", 1.0),
    number("motion", "objects.magnitude_mean", "Motion of objects", "px", 1.0),
    number("motion", "density", "Picture that moves", "%", 100.0),
    number("motion", "change.content", "Change of content", "", 1.0),
    number("mouth", "aperture", "Mouth aperture", "% of its width", 100.0),
];

/// Bands of labels, most telling first.
pub const LABELS: &[LabelField] = &[
    label("motion", "camera.label", "Camera"),
    label("motion", "motion_type", "Motion type"),
    label("action", "label", "Character of motion"),
    label("lighting", "key", "Key level"),
    label("lighting", "illuminant.temperature", "Colour of light"),
    label("lighting", "source.setup", "Lighting set-up"),
    label("speaking", "label", "Who speaks"),
];

/// What the list of shots says, from the shots themselves and from other results on the same range.
pub const SHOT_LABELS: &[LabelField] = &[
    label("shot", "transition", "Begins with"),
    label("shot", "camera", "Camera"),
    label("look", "key", "Key level"),
    label("look", "temperature", "Light"),
    label("look", "direction", "Light from"),
    label("look", "setup", "Set-up"),
];

const fn number(
    kind: &'static str,
    path: &'static str,
    name: &'static str,
    unit: &'static str,
    scale: f64,
) -> NumberField {
    NumberField { kind, path, name, unit, scale }
}

const fn label(kind: &'static str, path: &'static str, name: &'static str) -> LabelField {
    LabelField { kind, path, name }
}

/// A name from records as words: `fast_chaotic` → "fast chaotic".
pub fn words(name: &str) -> String {
    name.replace(['_', '.'], " ")
}

/// The same, as a title: `magnitude_p95` → "Magnitude p95".
pub fn title(name: &str) -> String {
    let words = words(name);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
