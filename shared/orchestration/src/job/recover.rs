//! Items of which much is done already, settled on all cores: behind a long job that is most of what a new orchestrator does
//! before it resumes.
use super::JobState;
use super::facts::Lookup;
use super::item::{ItemState, News};
use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};
use std::ops::Range;

/// Batches that are worth starting threads for, and those that are enough for one go.
const BATCHES: Range<usize> = 512..16_384;

impl JobState {
    /// Settles the item at the cursor and some behind it, all of which have to be indexed. What was to be done in their order (counting failures
    /// up to a limit, raising retries) is left to admission, which comes to each of them and finds it settled or not.
    pub(super) fn recover(&mut self, lookup: Lookup) {
        let first = self.cursor.item();
        let in_order = self.shared.retry_failed() || self.shared.preview().is_some();
        if !self.cursor.is_at_begin() || self.cursor.is_settled() || in_order {
            return;
        }
        let mut batches = 0;
        let enough = |item: &&ItemState| {
            let more = item.footage().complete && batches < BATCHES.end;
            batches += item.footage().batches.len();
            more
        };
        let items = first..first + self.items.iter().skip(first).take_while(enough).count();
        if items.len() < 2 || batches < BATCHES.start {
            return;
        }
        self.cursor.note_settled(items.end);
        let concerned: Vec<Range<usize>> = items.clone().map(|item| self.concerned(item)).collect();
        let shared = &self.shared;
        let mut work: Vec<(&mut ItemState, Range<usize>)> = self.items[items].iter_mut().zip(concerned).collect();
        let settle = |(item, batches): &mut (&mut ItemState, Range<usize>)| {
            let mut news = Vec::new();
            item.settle_range(shared, batches.clone(), lookup, &mut news);
            if news.iter().any(News::has_failures) {
                item.unsettle(shared);
                news.clear();
            }
            news
        };
        let news: Vec<Vec<News>> = work.par_iter_mut().map(settle).collect();
        news.into_iter().flatten().for_each(|news| self.hear(news));
    }
}
