//! Which part of a data set a frame is in. What belongs together stays together: the frames of a shot always, those of a film or of a person
//! when asked for.
use crate::{SplitBy, Splits};
use framefleet_frames::ItemKind;
use framefleet_objects::Shots;
use framefleet_objects::{Object, ObjectFrame};
use std::collections::{BTreeMap, HashMap};

/// Units (shots, films, stills) that stay together are joined to groups while an output is surveyed; then each group is in one part.
///
/// A group's part follows from a digest of its members, so that it stays when others are added; only where a part would be empty is the group
/// moved that was nearest to it.
pub(crate) struct Survey<'a> {
    splits: &'a Splits,
    shots: &'a Shots,
    /// The unit that each unit is joined to: itself for the first of a group. By digest of what it is.
    joined: HashMap<u64, u64>,
}

/// The parts of surveyed frames.
pub(crate) struct Parts<'a> {
    survey: Survey<'a>,
    parts: BTreeMap<u64, usize>,
}

impl<'a> Survey<'a> {
    /// A survey without frames.
    pub fn new(splits: &'a Splits, shots: &'a Shots) -> Self {
        Self { splits, shots, joined: HashMap::new() }
    }

    /// Adds a frame.
    pub fn add(&mut self, frame: &ObjectFrame<'_>) {
        let unit = self.unit(frame);
        self.first_of(unit);
        if self.splits.by == SplitBy::Identity {
            for person in frame.objects.iter().filter_map(Object::person) {
                self.join(unit, digest(&["person", &person]));
            }
        }
    }

    /// What a frame is never divided from.
    fn unit(&self, frame: &ObjectFrame<'_>) -> u64 {
        let item = &frame.item.name;
        match self.splits.by {
            SplitBy::Item if frame.item.kind() != ItemKind::Stills => digest(&["item", item]),
            _ => digest(&["shot", item, &self.shots.of(frame.item, frame.number).to_string()]),
        }
    }

    /// The first unit of a group.
    fn first_of(&mut self, unit: u64) -> u64 {
        let mut first = unit;
        while let Some(next) = self.joined.get(&first).copied().filter(|next| *next != first) {
            first = next;
        }
        self.joined.insert(unit, first);
        first
    }

    /// Joins the groups of two units; the smaller digest is the first.
    fn join(&mut self, one: u64, other: u64) {
        let (one, other) = (self.first_of(one), self.first_of(other));
        self.joined.insert(one.max(other), one.min(other));
    }

    /// Divides the groups.
    pub fn divide(mut self) -> Parts<'a> {
        let units: Vec<u64> = self.joined.keys().copied().collect();
        let mut groups: Vec<u64> = units.into_iter().map(|unit| self.first_of(unit)).collect();
        // The first of many is small: where it falls is found anew.
        groups.sort_by_key(|group| place(*group));
        groups.dedup();
        let mut parts: Vec<usize> = groups.iter().map(|group| self.part_at(place(*group))).collect();
        fill(&mut parts, self.splits.shares.len());
        Parts { survey: self, parts: groups.into_iter().zip(parts).collect() }
    }

    /// The part whose share a place between 0 and 1 falls into.
    fn part_at(&self, place: u64) -> usize {
        let at = place as f64 / u64::MAX as f64;
        let mut end = 0.0;
        let shares = self.splits.shares.iter();
        shares
            .take_while(|(_, share)| {
                end += share;
                end < at
            })
            .count()
            .min(self.splits.shares.len().saturating_sub(1))
    }
}

/// Gives every part one of these at least, in ascending order, where there are enough.
fn fill(parts: &mut [usize], count: usize) {
    for empty in 0..count.min(parts.len()) {
        if parts.contains(&empty) {
            continue;
        }
        let size = |part: usize| parts.iter().filter(|of| **of == part).count();
        let large: Vec<usize> = (0..parts.len()).filter(|at| size(parts[*at]) > 1).collect();
        if let Some(nearest) = large.into_iter().min_by_key(|at| parts[*at].abs_diff(empty)) {
            parts[nearest] = empty;
        }
    }
}

impl Parts<'_> {
    /// The part of a frame; the first for one that was not surveyed.
    pub fn of(&mut self, frame: &ObjectFrame<'_>) -> &str {
        let unit = self.survey.unit(frame);
        let group = self.survey.first_of(unit);
        let part = self.parts.get(&group).copied().unwrap_or_default();
        self.survey.splits.shares.get(part).map_or("train", |(name, _)| name)
    }
}

/// Where a group falls.
fn place(group: u64) -> u64 {
    digest(&["group", &group.to_string()])
}

fn digest(parts: &[&str]) -> u64 {
    let mut first = [0; 8];
    blake3::Hasher::new().update(parts.join("\0").as_bytes()).finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::Item;
    use std::collections::BTreeSet;

    fn object(identity: u64) -> Object {
        Object {
            step: "subjects".into(),
            kind: "subject",
            instance: 0,
            label: "person".to_owned(),
            corners: [0.0, 0.0, 1.0, 1.0],
            score: None,
            eye: None,
            track: None,
            identity: Some(identity),
            name: None,
            interpolated: false,
            keypoints: Vec::new(),
            face: None,
            pose: None,
            mask: None,
        }
    }

    fn frame<'a>(item: &'a Item, number: u64, identities: &[u64]) -> ObjectFrame<'a> {
        let objects = identities.iter().map(|identity| object(*identity)).collect();
        ObjectFrame { item, number, pts_ns: 0, file: None, size: (1, 1), objects, records: Vec::new() }
    }

    fn stills() -> Item {
        Item { name: "photos".to_owned(), kind: ItemKind::Stills.into(), ..Item::default() }
    }

    #[test]
    fn a_person_is_in_one_part_and_no_part_is_empty() {
        let splits = Splits { by: SplitBy::Identity, .."train=0.8,val=0.1,test=0.1".parse().unwrap() };
        let (shots, item) = (Shots::default(), stills());
        let frames: Vec<_> = (0..40).map(|number| frame(&item, number, &[number % 5])).collect();
        let mut survey = Survey::new(&splits, &shots);
        frames.iter().for_each(|frame| survey.add(frame));
        let mut parts = survey.divide();
        let of: Vec<String> = frames.iter().map(|frame| parts.of(frame).to_owned()).collect();
        for person in 0..5 {
            let of: BTreeSet<&String> = of.iter().skip(person).step_by(5).collect();
            assert_eq!(of.len(), 1, "person {person} is in {of:?}");
        }
        assert_eq!(of.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn a_film_is_in_one_part_and_stays_there_when_others_are_added() {
        let splits: Splits = "train=1,val=1".parse().unwrap();
        let (shots, films) = (Shots::default(), ["a", "b", "c", "d", "e", "f", "g", "h"]);
        let items = films.map(|name| Item { name: name.to_owned(), kind: ItemKind::Video.into(), ..Item::default() });
        let parts = |count: usize| -> Vec<String> {
            let mut survey = Survey::new(&splits, &shots);
            for item in &items[..count] {
                (0..9).for_each(|number| survey.add(&frame(item, number, &[])));
            }
            let mut parts = survey.divide();
            items[..6].iter().map(|item| parts.of(&frame(item, 8, &[])).to_owned()).collect()
        };
        assert_eq!(parts(6), parts(8));
        assert_eq!(parts(8).iter().collect::<BTreeSet<_>>().len(), 2);
    }
}
