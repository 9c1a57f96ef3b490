//! Records item by item, with the cuts between shots: what `finish` of a perception stage starts from.
use framefleet_frames::{FrameRange, Item, ItemKind, Outcome, ScopedAnnotation, annotation::Value};
use framefleet_stage::{Job, Record, Records, RecordsError, StageError};
use std::collections::HashMap;
use std::iter::Peekable;

/// Records as they are read.
type Reading<'a> = Peekable<Box<dyn Iterator<Item = Result<Record, RecordsError>> + 'a>>;

/// The items of a job's records, one after the other. One record is in memory at a time.
pub struct Items<'a> {
    records: Reading<'a>,
    items: HashMap<&'a str, &'a Item>,
    shots: HashMap<&'a str, Vec<FrameRange>>,
    current: Option<&'a str>,
}

/// The results of one item, in frame order: frames that failed or were skipped are left out.
pub struct ItemResults<'r, 'a> {
    records: &'r mut Reading<'a>,
    item: &'a Item,
    shots: Vec<FrameRange>,
    latest: Option<u64>,
}

/// A frame that has a result.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameResult {
    /// The record.
    pub record: Record,
    /// Whether nothing continues from the result before to this one: a shot begins in between, or they are two stills.
    pub cut: bool,
}

/// Reads a step's records item by item. Shots are those that the job was given: a stage that wants them needs the kind `shot` in
/// finish; without them an item is one shot.
pub fn by_item<'a>(records: &'a dyn Records, job: &'a Job) -> Items<'a> {
    let mut shots: HashMap<&str, Vec<FrameRange>> = HashMap::new();
    for ScopedAnnotation { item, range, annotation } in &job.scoped {
        if let (Some(range), Some(Value::Shot(_))) = (range, annotation.as_ref().and_then(|of| of.value.as_ref())) {
            shots.entry(item).or_default().push(*range);
        }
    }
    shots.values_mut().for_each(|shots| shots.sort_by_key(|shot| shot.start));
    let items = job.items.iter().map(|item| (item.name.as_str(), item)).collect();
    Items { records: records.read().peekable(), items, shots, current: None }
}

impl<'a> Items<'a> {
    /// The next item that has records, even if none of them is a result. What was not read of the item before is left out.
    ///
    /// # Errors
    /// Records that cannot be read, or are of no item of the job.
    pub fn next_item(&mut self) -> Result<Option<ItemResults<'_, 'a>>, StageError> {
        let current = self.current;
        while self.records.next_if(|next| matches!(next, Ok(record) if Some(record.item.as_str()) == current)).is_some()
        {
        }
        if let Some(Err(error)) = self.records.next_if(Result::is_err) {
            return Err(StageError::retry(error));
        }
        let Some(Ok(first)) = self.records.peek() else { return Ok(None) };
        let Some(&item) = self.items.get(first.item.as_str()) else {
            return Err(StageError::Fatal(format!(
                "there are records of {:?}, which is no item of the job",
                first.item
            )));
        };
        self.current = Some(&item.name);
        let shots = self.shots.remove(item.name.as_str()).unwrap_or_default();
        Ok(Some(ItemResults { records: &mut self.records, item, shots, latest: None }))
    }
}

impl<'a> ItemResults<'_, 'a> {
    /// The item.
    pub fn item(&self) -> &'a Item {
        self.item
    }

    /// Whether it is a folder of stills, which have nothing to do with each other.
    pub fn is_stills(&self) -> bool {
        self.item.kind() == ItemKind::Stills
    }

    /// Its shots, in order; none where no step looks for shots.
    pub fn shots(&self) -> &[FrameRange] {
        &self.shots
    }

    fn cut_between(&self, before: u64, now: u64) -> bool {
        let begun = |frame: u64| self.shots.partition_point(|shot| shot.start <= frame);
        self.is_stills() || begun(before) < begun(now)
    }
}

impl Iterator for ItemResults<'_, '_> {
    type Item = Result<FrameResult, StageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = &self.item.name;
            let of_item =
                |next: &Result<Record, RecordsError>| next.as_ref().map_or(true, |record| record.item == *name);
            let record = match self.records.next_if(of_item)? {
                Ok(record) => record,
                Err(error) => return Some(Err(StageError::retry(error))),
            };
            if record.outcome != Outcome::Result {
                continue;
            }
            let before = self.latest.replace(record.frame);
            let cut = before.is_some_and(|before| self.cut_between(before, record.frame));
            return Some(Ok(FrameResult { record, cut }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_testkit_stage::{Kept, job, shot};
    use std::path::{Path, PathBuf};

    fn item(name: &str, kind: ItemKind) -> Item {
        Item { name: name.to_owned(), kind: kind.into(), ..Item::default() }
    }

    /// Frames of an item; those of `failed` have no result.
    fn frames(item: &str, numbers: &[u64], failed: &[u64]) -> Vec<Record> {
        let outcome = |number: &u64| match failed.contains(number) {
            true => Outcome::Failed { code: "decode".to_owned(), reason: "torn".to_owned() },
            false => Outcome::Result,
        };
        let mut records = Kept::of(item, 25, numbers.iter().map(|_| Vec::new())).records;
        for (record, number) in records.iter_mut().zip(numbers) {
            (record.frame, record.outcome) = (*number, outcome(number));
        }
        records
    }

    fn read(records: Vec<Record>, job: &Job) -> Vec<(String, Vec<(u64, bool)>)> {
        let (kept, mut all) = (Kept::new(records), Vec::new());
        let mut items = by_item(&kept, job);
        while let Some(mut item) = items.next_item().unwrap() {
            let frames = item.by_ref().map(|frame| frame.map(|frame| (frame.record.frame, frame.cut)).unwrap());
            let frames = frames.collect();
            all.push((item.item().name.clone(), frames));
        }
        all
    }

    #[test]
    fn items_come_one_by_one_with_their_cuts_and_without_their_failures() {
        let items = vec![item("a", ItemKind::Video), item("b", ItemKind::Video), item("s", ItemKind::Stills)];
        let mut job = job("step", items, Path::new("."));
        job.scoped = vec![shot("a", 3..6), shot("a", 0..3), shot("a", 6..9), shot("b", 0..9)];
        let records =
            [frames("a", &[0, 1, 2, 3, 4, 8], &[3]), frames("b", &[0, 5], &[0, 5]), frames("s", &[0, 1, 2], &[])];
        // Frame 3 begins a shot and has no result, so the next one that has is behind the cut.
        let expected = [
            ("a".to_owned(), vec![(0, false), (1, false), (2, false), (4, true), (8, true)]),
            ("b".to_owned(), vec![]),
            ("s".to_owned(), vec![(0, false), (1, true), (2, true)]),
        ];
        assert_eq!(read(records.concat(), &job), expected);
    }

    #[test]
    fn what_is_not_read_of_an_item_is_left_out() {
        let job = job("step", vec![item("a", ItemKind::Video), item("b", ItemKind::Video)], Path::new("."));
        let kept = Kept::new([frames("a", &[0, 1, 2], &[]), frames("b", &[0], &[])].concat());
        let mut items = by_item(&kept, &job);
        assert_eq!(items.next_item().unwrap().unwrap().next().unwrap().unwrap().record.frame, 0);
        assert_eq!(items.next_item().unwrap().unwrap().item().name, "b");
        assert!(items.next_item().unwrap().is_none());
    }

    /// Records of which the second cannot be read.
    struct Torn;

    impl Records for Torn {
        fn read(&self) -> Box<dyn Iterator<Item = Result<Record, RecordsError>> + '_> {
            let first = frames("a", &[0], &[]).into_iter().map(Ok);
            Box::new(first.chain([Err(RecordsError("torn".to_owned()))]))
        }

        fn attachments(&self, _: &str) -> Result<Vec<(String, String, PathBuf)>, RecordsError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn records_that_cannot_be_read_end_the_task() {
        let job = job("step", vec![item("a", ItemKind::Video)], Path::new("."));
        let mut items = by_item(&Torn, &job);
        let results: Vec<bool> = items.next_item().unwrap().unwrap().map(|frame| frame.is_ok()).collect();
        assert_eq!(results, [true, false]);
        let mut unread = by_item(&Torn, &job);
        drop(unread.next_item().unwrap());
        assert!(matches!(unread.next_item(), Err(StageError::Retry(_))));
        let strange = Kept::new(frames("b", &[0], &[]));
        assert!(matches!(by_item(&strange, &job).next_item(), Err(StageError::Fatal(_))));
    }
}
