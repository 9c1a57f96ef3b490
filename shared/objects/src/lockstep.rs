//! The rows of several steps of one output, side by side: frame by frame, a few tasks of each step in memory at a time.
use framefleet_frames::{ImageFile, Item};
use framefleet_ledger::{Ledger, LedgerError, Manifest, Row};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use std::collections::{HashMap, HashSet};

/// A frame that at least one of the steps has a row of.
pub struct LockstepFrame<'a> {
    /// Its item.
    pub item: &'a Item,
    /// Number in the whole item.
    pub number: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// The image that the frame is, of sequences and stills.
    pub file: Option<ImageFile>,
    /// The row of each step, in the order of the manifests; `None` where a step has none.
    pub rows: Vec<Option<Row>>,
}

/// Reads the rows of several steps in lockstep: items of all steps, frames ascending.
pub struct Lockstep<'a> {
    ledger: &'a Ledger,
    steps: Vec<StepRows<'a>>,
    items: Vec<&'a Item>,
    /// Place of the current item among `items`.
    current: usize,
    is_begun: bool,
}

/// The rows of one step as they are read.
struct StepRows<'a> {
    manifest: &'a Manifest,
    places: HashMap<&'a str, u32>,
    /// Whether the step lists its items in the order in which they are read. One that does not is opened anew for every item.
    is_in_order: bool,
    rows: BoxStream<'a, Result<Row, LedgerError>>,
    next: Option<Row>,
}

impl<'a> Lockstep<'a> {
    /// The rows of the steps of these manifests.
    pub fn new(ledger: &'a Ledger, manifests: impl IntoIterator<Item = &'a Manifest>) -> Self {
        let manifests: Vec<&Manifest> = manifests.into_iter().collect();
        let items = merged_items(&manifests);
        let order: HashMap<&str, usize> = items.iter().enumerate().map(|(at, item)| (item.name.as_str(), at)).collect();
        let step = |manifest: &'a Manifest| {
            let places = manifest.items().zip(0..).map(|(item, place)| (item.name.as_str(), place)).collect();
            let order = manifest.items().map(|item| order.get(item.name.as_str()));
            StepRows { manifest, places, is_in_order: order.is_sorted(), rows: ledger.rows(manifest), next: None }
        };
        Self { ledger, steps: manifests.into_iter().map(step).collect(), items, current: 0, is_begun: false }
    }

    /// All items, in the order in which they are read.
    pub fn items(&self) -> &[&'a Item] {
        &self.items
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Option<LockstepFrame<'a>>, LedgerError> {
        if !self.is_begun {
            self.is_begun = true;
            for step in &mut self.steps {
                step.advance().await?;
            }
            self.seek().await?;
        }
        while let Some(&item) = self.items.get(self.current) {
            let numbers = self.steps.iter().filter_map(|step| step.number_in(&item.name));
            if let Some(number) = numbers.min() {
                return self.take(item, number).await.map(Some);
            }
            self.current += 1;
            self.seek().await?;
        }
        Ok(None)
    }

    /// The rows of a frame.
    async fn take(&mut self, item: &'a Item, number: u64) -> Result<LockstepFrame<'a>, LedgerError> {
        let mut frame = LockstepFrame { item, number, pts_ns: 0, file: None, rows: Vec::new() };
        for step in &mut self.steps {
            let row = match step.number_in(&item.name) == Some(number) {
                true => step.advance().await?,
                false => None,
            };
            if let Some(row) = &row {
                frame.pts_ns = row.pts_ns;
                frame.file = frame.file.or_else(|| row.file.clone());
            }
            frame.rows.push(row);
        }
        Ok(frame)
    }

    /// Opens steps anew that list the current item elsewhere.
    async fn seek(&mut self) -> Result<(), LedgerError> {
        let Some(item) = self.items.get(self.current) else { return Ok(()) };
        for step in self.steps.iter_mut().filter(|step| !step.is_in_order) {
            if let Some(&place) = step.places.get(item.name.as_str()) {
                step.rows = self.ledger.rows_from(step.manifest, place);
                step.advance().await?;
            }
        }
        Ok(())
    }
}

impl StepRows<'_> {
    /// The row that comes next, which is read past.
    async fn advance(&mut self) -> Result<Option<Row>, LedgerError> {
        let next = self.rows.try_next().await?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// The number of the next frame, if it is one of the item.
    fn number_in(&self, item: &str) -> Option<u64> {
        self.next.as_ref().filter(|row| row.item == item).map(|row| row.frame)
    }
}

/// The items of all steps: those of the step that has most, then what others have besides.
fn merged_items<'a>(manifests: &[&'a Manifest]) -> Vec<&'a Item> {
    let mut manifests = manifests.to_vec();
    manifests.sort_by_key(|manifest| std::cmp::Reverse(manifest.items().len()));
    let mut known = HashSet::new();
    manifests.iter().flat_map(|manifest| manifest.items()).filter(|item| known.insert(item.name.as_str())).collect()
}
