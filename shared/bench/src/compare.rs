//! Two benches side by side: what changed, row by row, and whether it is worse than a bound allows.
use crate::BenchError;
use crate::document::Document;
use crate::row::{Figures, Row};
use std::fmt;
use std::str::FromStr;

/// How much worse a figure may be, as a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound(f64);

impl FromStr for Bound {
    type Err = BenchError;
    fn from_str(text: &str) -> Result<Self, BenchError> {
        let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        number
            .filter(|percent| percent.is_finite() && *percent >= 0.0)
            .map(|percent| Self(percent / 100.0))
            .ok_or_else(|| BenchError::Argument(format!("{text:?} is no bound: say a share like 10%")))
    }
}

/// A figure in both benches.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row.
    pub row: String,
    /// What it is.
    pub figure: &'static str,
    /// In the first bench.
    pub before: f64,
    /// In the second.
    pub after: f64,
    /// Whether it is worse by more than the bound.
    pub beyond: bool,
}

/// What differs between two benches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Figures of rows that both measured.
    pub changes: Vec<Change>,
    /// What cannot be compared, or only with care, in words.
    pub notes: Vec<String>,
    /// Rows that the first measured and the second did not.
    pub lost: Vec<String>,
}

impl Comparison {
    /// Whether the second bench is as good as the first, within the bound: nothing is worse, and no row was lost.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && !self.changes.iter().any(|change| change.beyond)
    }
}

/// Compares speed and memory of the rows that both benches measured. A row that the second bench lacks, or could not measure, is a loss.
pub fn compare(before: &Document, after: &Document, bound: Bound) -> Comparison {
    let mut comparison = Comparison { notes: differences(before, after), ..Comparison::default() };
    for old in before.rows.iter().filter(|row| row.figures.is_some()) {
        let new = after.rows.iter().find(|row| row.combination == old.combination);
        match (old.figures.as_ref(), new.and_then(|new| new.figures.as_ref())) {
            (Some(a), Some(b)) => comparison.changes.extend(changes(old, a, b, bound)),
            _ => comparison.lost.push(lost(old, new)),
        }
    }
    let is_new = |row: &&Row| {
        row.figures.is_some()
            && !before.rows.iter().any(|old| old.combination == row.combination && old.figures.is_some())
    };
    let new = after.rows.iter().filter(is_new).map(|row| format!("{}: only the second measured it", row.name()));
    comparison.notes.extend(new);
    comparison
}

fn lost(old: &Row, new: Option<&Row>) -> String {
    match new.and_then(|row| row.not_run.as_ref()) {
        Some(reason) => format!("{}: the second could not run it: {reason}", old.name()),
        None => format!("{}: the second does not have it", old.name()),
    }
}

/// Figures by which a row may fail; of speed more is better, of memory less.
fn changes(row: &Row, before: &Figures, after: &Figures, Bound(bound): Bound) -> Vec<Change> {
    let change = |figure, before: f64, after: f64, beyond| Change { row: row.name(), figure, before, after, beyond };
    let (a, b) = (before.frames_per_second, after.frames_per_second);
    let mut changes = vec![change("frames/s", a, b, b < a * (1.0 - bound))];
    if let Some((a, b)) = before.memory_peak.zip(after.memory_peak) {
        let (a, b) = (a as f64 / MIB, b as f64 / MIB);
        changes.push(change("MiB", a, b, b > a * (1.0 + bound)));
    }
    changes
}

const MIB: f64 = (1 << 20) as f64;

/// What makes two benches different things.
fn differences(before: &Document, after: &Document) -> Vec<String> {
    let mut notes = Vec::new();
    if before.machine != after.machine {
        notes.push(format!("measured on different machines: {} and {}", before.machine, after.machine));
    }
    if before.subject != after.subject {
        notes.push(format!("of different things: {} and {}", before.subject, after.subject));
    }
    notes
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, figure, before, after, beyond } = self;
        let percent = if *before > 0.0 { 100.0 * (after / before - 1.0) } else { 0.0 };
        let verdict = if *beyond { "  beyond the bound" } else { "" };
        write!(out, "{row:<48} {before:>10.1} {after:>10.1} {figure:<9} {percent:>+7.1} %{verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Combination;
    use crate::{Machine, Subject};

    fn row(batch: u32, speed: f64, mebibytes: u64) -> Row {
        let figures = Figures { frames_per_second: speed, memory_peak: Some(mebibytes << 20), ..Figures::default() };
        let combination = Combination { batch: Some(batch), ..Combination::default() };
        Row { combination, frame_size: None, not_run: None, figures: Some(figures) }
    }

    fn document(rows: Vec<Row>) -> Document {
        Document::new(Machine::default(), Subject::default(), rows)
    }

    fn within(rows: [Vec<Row>; 2], bound: &str) -> Comparison {
        let [before, after] = rows.map(document);
        compare(&before, &after, bound.parse().unwrap())
    }

    #[test]
    fn slower_or_larger_than_the_bound_fails_and_faster_or_smaller_never_does() {
        let holds =
            |speed, memory, bound: &str| within([vec![row(1, 100.0, 100)], vec![row(1, speed, memory)]], bound).holds();
        assert!(holds(100.0, 100, "0%") && holds(500.0, 10, "0%"));
        assert!(holds(90.5, 100, "10%") && !holds(89.5, 100, "10%"));
        assert!(holds(100.0, 109, "10%") && !holds(100.0, 111, "10%"));
    }

    #[test]
    fn rows_of_one_side_are_said_and_a_lost_one_fails() {
        let only_first = within([vec![row(1, 1.0, 1), row(8, 1.0, 1)], vec![row(1, 1.0, 1)]], "10%");
        assert!(!only_first.holds() && only_first.lost[0].contains("batches of 8: the second does not have it"));
        let only_second = within([vec![row(1, 1.0, 1)], vec![row(1, 1.0, 1), row(8, 1.0, 1)]], "10%");
        assert!(only_second.holds() && only_second.notes[0].contains("batches of 8: only the second measured it"));
        let refused = Row::not_run(row(1, 1.0, 1).combination, "no memory");
        let refused = within([vec![row(1, 1.0, 1)], vec![refused]], "10%");
        assert!(!refused.holds() && refused.lost[0].ends_with("the second could not run it: no memory"));
    }

    #[test]
    fn benches_of_different_machines_say_so() {
        let (before, mut after) = (document(Vec::new()), document(Vec::new()));
        after.machine.cores = 64;
        let notes = compare(&before, &after, Bound(0.1)).notes;
        assert!(notes[0].contains("different machines") && notes[0].contains("64 cores"), "{notes:?}");
    }

    #[test]
    fn bounds_are_shares() {
        assert_eq!("12.5%".parse::<Bound>().unwrap(), Bound(0.125));
        for wrong in ["10", "-1%", "x%", "nan%"] {
            assert!(wrong.parse::<Bound>().is_err(), "{wrong}");
        }
    }
}
