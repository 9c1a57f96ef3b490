//! Which steps the objects of an output are made of.
use crate::ObjectsError;
use framefleet_ledger::Manifest;

/// Kinds that are objects of their own where there are no subjects, and parts of subjects where there are.
pub const PART_KINDS: [&str; 3] = ["mask", "pose", "face"];
/// The kind that joins them.
const SUBJECT: &str = "subject";

/// A kind that a step makes, by the step's place among the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub place: usize,
    pub kind: &'static str,
}

/// What objects are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    /// The step of subjects.
    pub subjects: Option<usize>,
    /// Of what is no part of a subject, and of items that the step of subjects has not seen: each result is an object.
    pub parts: Vec<Source>,
}

impl Sources {
    /// Those of the steps called `named`, of all steps when none is named. Manifests are sorted by step.
    pub fn choose(manifests: &[Manifest], named: &[String]) -> Result<Self, ObjectsError> {
        if let Some(unknown) = named.iter().find(|name| manifests.iter().all(|manifest| manifest.step != **name)) {
            let steps: Vec<&str> = manifests.iter().map(|manifest| manifest.step.as_str()).collect();
            let reason = format!("the output has no such step; its steps are: {}", steps.join(", "));
            return Err(ObjectsError::invalid(format!("step \"{unknown}\""), reason));
        }
        let chosen = |manifest: &Manifest| named.is_empty() || named.contains(&manifest.step);
        let makes = |kind: &'static str| {
            let makes = move |(_, manifest): &(usize, &Manifest)| manifest.kinds.iter().any(|made| made == kind);
            manifests.iter().enumerate().filter(makes)
        };
        let of = |kind| makes(kind).filter(|(_, manifest)| chosen(manifest));
        let subjects = preferred(of(SUBJECT));
        // The parts of subjects are those of any step: who asks for subjects names one step alone.
        let parts = match subjects {
            Some(_) => PART_KINDS
                .iter()
                .filter_map(|&kind| {
                    Some(Source { place: preferred(of(kind)).or_else(|| preferred(makes(kind)))?, kind })
                })
                .collect(),
            None => {
                let mut all: Vec<Source> = PART_KINDS
                    .iter()
                    .flat_map(|&kind| of(kind).map(move |(place, _)| Source { place, kind }))
                    .collect();
                all.sort_by_key(|source| source.place);
                all
            }
        };
        Ok(Self { subjects, parts })
    }

    /// Whether there is nothing that an object could be read from.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_none() && self.parts.is_empty()
    }
}

/// Of several steps that make a kind, the one that is called as its stage, else the first by name.
fn preferred<'m>(steps: impl Iterator<Item = (usize, &'m Manifest)>) -> Option<usize> {
    steps.min_by_key(|(place, manifest)| (manifest.step != manifest.stage, *place)).map(|(place, _)| place)
}
