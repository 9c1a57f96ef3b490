//! One object that may be chosen.
use framefleet_frames::Item;
use framefleet_objects::{Object, ObjectFrame};
use std::cmp::Ordering;
use std::sync::Arc;

/// One object of one frame, and what it is chosen by.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub item: &'a Item,
    /// Place of the item among all.
    pub place: usize,
    pub frame: u64,
    pub file: Option<String>,
    pub step: Arc<str>,
    pub kind: &'static str,
    pub instance: u32,
    pub corners: [f64; 4],
    pub size: f64,
    pub sharpness: Option<f64>,
    pub shot: u64,
    pub person: Person,
}

/// Whose picture it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Person {
    /// Somebody known over all items.
    Known(String),
    /// A subject or track of an item.
    OfItem(usize, u64),
    /// Nobody knows: all of these of an item count as one.
    Nobody(usize),
}

impl<'a> Candidate<'a> {
    pub fn new(frame: &ObjectFrame<'a>, place: usize, shot: u64, object: &Object) -> Self {
        let [x0, y0, x1, y1] = object.corners;
        let person = match (object.person(), object.track) {
            (Some(name), _) => Person::Known(name),
            (None, Some(track)) => Person::OfItem(place, track),
            (None, None) => Person::Nobody(place),
        };
        Self {
            item: frame.item,
            place,
            frame: frame.number,
            file: frame.file.as_ref().map(|file| file.name.clone()),
            step: object.step.clone(),
            kind: object.kind,
            instance: object.instance,
            corners: object.corners,
            size: (x1 - x0).min(y1 - y0),
            sharpness: object.sharpness(),
            shot,
            person,
        }
    }

    /// The better one first: sharper, then larger, then earlier.
    pub fn better(&self, other: &Self) -> Ordering {
        let sharpness = |of: &Self| of.sharpness.unwrap_or(-1.0);
        let by_quality = sharpness(other).total_cmp(&sharpness(self)).then(other.size.total_cmp(&self.size));
        by_quality.then_with(|| self.place_in_output().cmp(&other.place_in_output()))
    }

    /// Where it comes in the output.
    pub fn place_in_output(&self) -> (usize, u64, &str, &str, u32) {
        (self.place, self.frame, &self.step, self.kind, self.instance)
    }
}
