//! Items of which much is done already, looked at on all cores: behind a long job that is most of what a new orchestrator does
//! before it goes on. Items know nothing of each other, so each is settled as if it were the only one.
use crate::footage::Footage;
use crate::state::{JobOptions, JobState, Lookup};
use crate::task::TaskRef;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Batches that are worth starting threads for, and those that are enough for one go.
const BATCHES: Range<usize> = 512..16_384;

impl JobState {
    /// Settles the item at the cursor and some behind it, all of which have to be indexed. What was to be done in their order (counting failures
    /// up to a limit, raising retries) is left to admission, which comes to each of them and finds it settled or not.
    pub(crate) fn take_up(&mut self, lookup: Lookup) {
        let (first, batch) = self.cursor;
        if batch > 0 || first < self.taken_up || self.options.retry_failed || self.preview.is_some() {
            return;
        }
        let mut batches = 0;
        let enough = |footage: &&Footage| {
            let more = footage.complete && batches < BATCHES.end;
            batches += footage.batches.len();
            more
        };
        let items = first..first + self.footage.iter().skip(first).take_while(enough).count();
        if items.len() < 2 || batches < BATCHES.start {
            return;
        }
        self.taken_up = items.end;
        let alone: Vec<(usize, JobState)> = items.map(|item| (item, self.alone(item))).collect();
        for (item, settled) in settle(alone, lookup) {
            self.rejoin(item, settled);
        }
    }

    /// The state of an item by itself; it is taken out of this one.
    fn alone(&mut self, item: usize) -> Self {
        let known = self.footage[item].item.clone();
        let options = JobOptions { earlier: Arc::default(), ..self.options.clone() };
        let mut alone = Self::new(self.plan.clone(), vec![known.clone()], options);
        std::mem::swap(&mut alone.footage[0], &mut self.footage[item]);
        for (mine, all) in alone.process.iter_mut().zip(&mut self.process) {
            std::mem::swap(&mut mine[0], &mut all[item]);
        }
        alone.finish.clone_from(&self.finish);
        alone.pass = self.pass;
        alone
    }

    /// Puts an item back with what was found out of it: nothing of this pass if something in it has failed.
    fn rejoin(&mut self, item: usize, mut alone: Self) {
        let failed = alone.counts.iter().any(|counts| counts.failed > 0);
        if failed {
            self.plan.passes[self.pass].process.iter().for_each(|step| alone.process[*step][0].clear());
        }
        for (mine, all) in alone.process.iter_mut().zip(&mut self.process) {
            std::mem::swap(&mut mine[0], &mut all[item]);
        }
        std::mem::swap(&mut alone.footage[0], &mut self.footage[item]);
        if failed {
            return;
        }
        self.ingest.extend(alone.ingest.into_iter().map(|((_, batch), decided)| ((item, batch), decided)));
        self.without_worker.extend(alone.without_worker.into_keys().map(|task| (TaskRef { item, ..task }, None)));
        for (step, counts) in alone.counts.into_iter().enumerate() {
            self.counts[step] += counts;
            self.workload.reuse(step, item, counts.settled(), alone.workload.reused_seconds(step));
            if counts.result > 0 {
                self.failing[step] = None;
            }
        }
    }
}

/// Settles items, as many at a time as there are cores.
fn settle(items: Vec<(usize, JobState)>, lookup: Lookup) -> Vec<(usize, JobState)> {
    let settled = Mutex::new(Vec::with_capacity(items.len()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let waiting = Mutex::new(items.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((item, mut state)) = next() {
            let batches = state.concerned(0);
            state.settle_range(0, batches, lookup);
            settled.lock().unwrap_or_else(PoisonError::into_inner).push((item, state));
        }
    };
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    settled.into_inner().unwrap_or_else(PoisonError::into_inner)
}
