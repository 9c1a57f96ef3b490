//! What people are shown of a stage's results, and under which names. The stage says it; who draws reports only draws.
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Where a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Over time: a number as a curve, a word as a band.
    Timeline,
    /// In the list of shots: a word that a result on the range of a shot has.
    Shots,
}

/// A field of a kind of result, as people see it. Everything else that is a number or a word is shown on request, under its own name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The kind.
    pub kind: Cow<'static, str>,
    /// The field's name in records; a dot leads into a nested object.
    pub path: Cow<'static, str>,
    /// What a person calls it.
    pub label: Cow<'static, str>,
    /// Unit of the shown value; empty without one.
    pub unit: Cow<'static, str>,
    /// Shown value ÷ value in records.
    pub scale: f64,
    /// Whether it is shown at once, and not only on request.
    pub primary: bool,
    /// Where.
    pub place: Place,
}

impl Field {
    /// A number that is shown at once, as a curve: its value times `scale`, in `unit`.
    pub const fn number(
        kind: &'static str,
        path: &'static str,
        label: &'static str,
        unit: &'static str,
        scale: f64,
    ) -> Self {
        Self::new([kind, path, label, unit], scale, Place::Timeline)
    }

    /// A word that is shown at once, as a band.
    pub const fn word(kind: &'static str, path: &'static str, label: &'static str) -> Self {
        Self::new([kind, path, label, ""], 1.0, Place::Timeline)
    }

    /// A word in the list of shots.
    pub const fn of_shot(kind: &'static str, path: &'static str, label: &'static str) -> Self {
        Self::new([kind, path, label, ""], 1.0, Place::Shots)
    }

    /// The same, shown on request only.
    pub const fn on_request(mut self) -> Self {
        self.primary = false;
        self
    }

    const fn new([kind, path, label, unit]: [&'static str; 4], scale: f64, place: Place) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            path: Cow::Borrowed(path),
            label: Cow::Borrowed(label),
            unit: Cow::Borrowed(unit),
            scale,
            primary: true,
            place,
        }
    }
}
