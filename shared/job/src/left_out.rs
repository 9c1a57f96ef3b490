//! What a job does not take of its source, and why it reads it as it does: said at the terminal, in job.json, in the report and in forecasts, out
//! of this one place.
use framefleet_frames::{Item, passed_over};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Lines for people where there is not room for all.
const NAMED: usize = 10;

/// What is left out of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many files of its folders are of no kind that is read, by extension.
    pub passed_over: BTreeMap<String, u64>,
    /// What is to be said of items.
    pub notes: Vec<Note>,
}

/// Something that is to be said of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its name.
    pub item: String,
    /// In a sentence.
    pub note: String,
}

impl LeftOut {
    /// What was found out when a source was probed.
    pub(crate) fn of_source(passed_over: BTreeMap<String, u64>, items: &[Item]) -> Self {
        let note = |item: &Item, note: &String| Note { item: item.name.clone(), note: note.clone() };
        let notes = items.iter().flat_map(|item| item.notes.iter().map(move |text| note(item, text))).collect();
        Self { passed_over, notes }
    }

    /// Adds what was found out when items were read; what was said of them before is not said again.
    pub(crate) fn add_items(&mut self, items: &[Item]) {
        for note in Self::of_source(BTreeMap::new(), items).notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Adds what the summary of a step says: what films lack of their sources, and its notes on items.
    pub(crate) fn add_summary(&mut self, summary: &Value) {
        let films = summary["statistics"]["films"].as_object().into_iter().flatten();
        for (item, film) in films {
            let left_out = film["left_out"].as_array().into_iter().flatten().filter_map(Value::as_str);
            self.notes
                .extend(left_out.map(|what| Note { item: item.clone(), note: format!("not in its film: {what}") }));
        }
        let notes = summary["statistics"]["notes"].as_array().into_iter().flatten();
        self.notes.extend(notes.filter_map(|note| Note::deserialize(note).ok()));
    }

    /// In lines for people.
    pub fn lines(&self) -> Vec<String> {
        let passed = passed_over(&self.passed_over);
        let notes = self.notes.iter().map(|Note { item, note }| format!("{item}: {note}"));
        passed.into_iter().chain(notes).collect()
    }

    /// The first lines, and how many more there are.
    pub fn first_lines(&self) -> Vec<String> {
        let mut lines = self.lines();
        let more = lines.len().saturating_sub(NAMED);
        lines.truncate(NAMED);
        lines.extend((more > 0).then(|| format!("{more} more notes on the source are in job.json")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_is_said_and_much_is_counted() {
        let item =
            |name: &str| Item { name: name.to_owned(), notes: vec!["read as a film".to_owned()], ..Item::default() };
        let items: Vec<Item> = (0..20).map(|number| item(&number.to_string())).collect();
        let mut left_out = LeftOut::of_source(BTreeMap::from([(".heic".to_owned(), 3)]), &items);
        left_out.add_summary(
            &json!({ "statistics": { "films": { "a.wmv": { "left_out": ["sound"] }, "b.mp4": { "left_out": [] } } } }),
        );
        left_out.add_summary(&json!({ "statistics": {} }));
        assert_eq!(left_out.lines().len(), 22);
        assert_eq!(left_out.lines().last().unwrap(), "a.wmv: not in its film: sound");
        left_out.add_items(&items);
        left_out.add_summary(&json!({ "statistics": { "notes": [{ "item": "5", "note": "track 1 is heard" }] } }));
        assert_eq!(left_out.lines().len(), 23, "nothing is said twice");
        assert_eq!(left_out.lines().last().unwrap(), "5: track 1 is heard");
        let first = left_out.first_lines();
        assert_eq!((first.len(), first[0].as_str()), (11, "3 files of kinds not read: 3 .heic"));
        assert_eq!(first[10], "13 more notes on the source are in job.json");
    }
}
