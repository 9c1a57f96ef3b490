//! The user's corrections.
use framefleet_frames::Edit;
use std::collections::HashMap;

/// What the user can say: these are of that category; these do not matter; these are what they were first taken for, and matter again.
pub const VERBS: [&str; 3] = ["assign", "drop", "keep"];

/// What the user says of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its category, and the number of the correction that says so: a later one has a higher number.
    Assigned {
        /// The category, one of the settings or another.
        category: String,
        /// The number.
        edit: usize,
    },
    /// What it was taken for is right.
    Kept,
    /// It does not matter.
    Dropped,
}

/// Corrections by what they speak of.
#[derive(Debug, Default)]
pub struct Corrections(HashMap<(String, u64, u32), Verdict>);

impl Corrections {
    /// Of the user's corrections in the order they were made: the last word on an instance counts. What was assigned before it was dropped is
    /// assigned again when it is kept.
    pub fn of(edits: &[Edit]) -> Self {
        let mut verdicts: HashMap<(String, u64, u32), Verdict> = HashMap::new();
        let mut assigned: HashMap<(String, u64, u32), Verdict> = HashMap::new();
        for (number, edit) in edits.iter().enumerate() {
            for target in &edit.targets {
                let place = (target.item.clone(), target.frame, target.instance);
                let verdict = match edit.verb.as_str() {
                    "assign" => {
                        let verdict = Verdict::Assigned { category: edit.name.clone(), edit: number };
                        assigned.insert(place.clone(), verdict.clone());
                        verdict
                    }
                    "drop" => Verdict::Dropped,
                    "keep" => assigned.get(&place).cloned().unwrap_or(Verdict::Kept),
                    _ => continue,
                };
                verdicts.insert(place, verdict);
            }
        }
        Self(verdicts)
    }

    /// What is said of an instance, which is then done with.
    pub fn take(&mut self, item: &str, frame: u64, instance: u32) -> Option<Verdict> {
        if self.0.is_empty() { None } else { self.0.remove(&(item.to_owned(), frame, instance)) }
    }

    /// Instances that something is said of and that nobody asked for: they are not there (any more).
    pub fn left(&self) -> u64 {
        self.0.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::EditTarget;

    fn edit(verb: &str, frames: &[u64], name: &str) -> Edit {
        let target = |frame: &u64| EditTarget { item: "a".to_owned(), frame: *frame, ..EditTarget::default() };
        let targets = frames.iter().map(target).collect();
        Edit { verb: verb.to_owned(), name: name.to_owned(), targets, ..Edit::default() }
    }

    #[test]
    fn the_last_word_on_an_instance_counts() {
        let mut found = Corrections::of(&[
            edit("assign", &[0, 1, 2], "dog"),
            edit("assign", &[1], "cat"),
            edit("drop", &[2, 3, 4], ""),
            edit("keep", &[2, 3], ""),
            edit("keep", &[9], ""),
        ]);
        let assigned = |category: &str, edit| Some(Verdict::Assigned { category: category.to_owned(), edit });
        let verdicts = [0, 1, 2, 3, 4, 5].map(|frame| found.take("a", frame, 0));
        let expected = [
            assigned("dog", 0),
            assigned("cat", 1),
            assigned("dog", 0),
            Some(Verdict::Kept),
            Some(Verdict::Dropped),
            None,
        ];
        assert_eq!(verdicts, expected);
        assert_eq!(found.left(), 1, "frame 9 was not asked for");
    }
}
