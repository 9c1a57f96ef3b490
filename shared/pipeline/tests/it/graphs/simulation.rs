//! A pass that is played through, with its memory.
use super::*;

/// An item of `frames` frames whose batches have 1 to 32.
pub(super) fn item(width: u32, kind: ItemKind, frames: u64) -> Item {
    let mut item = crate::fake::video(width, 4000);
    item.set_kind(kind);
    if kind != ItemKind::Video {
        item.files =
            (0..frames).map(|frame| ImageFile { frame, name: frame.to_string(), ..ImageFile::default() }).collect();
    }
    item
}

/// A pass over some items, with its memory.
pub(super) struct Simulation<'a> {
    plan: &'a Plan,
    pass: usize,
    items: &'a [(Item, u64)],
    /// (item, batch) in flight.
    batches: BTreeSet<(usize, u64)>,
    /// (item, slice) for whose made frames there is memory.
    slices: BTreeSet<(usize, u64)>,
    /// (step, item, task) done.
    pub(super) done: BTreeSet<(usize, usize, u64)>,
}

/// Runs of `length` frames that a range touches.
fn runs(range: &Range<u64>, length: u64) -> Range<u64> {
    range.start / length..range.end.div_ceil(length)
}

impl<'a> Simulation<'a> {
    pub(super) fn new(plan: &'a Plan, pass: usize, items: &'a [(Item, u64)]) -> Self {
        Self { plan, pass, items, batches: BTreeSet::new(), slices: BTreeSet::new(), done: BTreeSet::new() }
    }

    /// Frames of a task, before they are cut.
    fn length(&self, step: usize, item: usize) -> u64 {
        self.plan.task_frames(step, &self.items[item].0)
    }

    fn slice(&self, item: usize) -> u64 {
        self.plan.slice_frames(self.pass, &self.items[item].0)
    }

    fn is_maker_of_parts(&self, step: usize, item: usize) -> bool {
        let of = &self.items[item].0;
        self.plan.steps[step].made.is_some() && self.plan.part_frames(step, of) < batch_frames(of)
    }

    fn range(&self, (step, item, task): (usize, usize, u64)) -> Range<u64> {
        let length = self.length(step, item);
        task * length..((task + 1) * length).min(self.items[item].1)
    }

    /// Frames that a task may look at.
    fn window(&self, task: (usize, usize, u64)) -> Range<u64> {
        let (of, frames) = &self.items[task.1];
        let (range, halo) = (self.range(task), self.plan.steps[task.0].halo_for(of));
        range.start.saturating_sub(halo.before)..range.end.saturating_add(halo.after).min(*frames)
    }

    /// Steps whose frames a step looks at.
    fn makers(&self, step: usize) -> impl Iterator<Item = usize> {
        self.plan.steps[step].pixels.iter().filter_map(|input| match input.source {
            PixelSource::Step(maker) => Some(maker),
            PixelSource::Ingest => None,
        })
    }

    /// Batches that a task keeps while it is open: those of its window, and those that its makers' tasks span.
    fn keeps_batches(&self, task: (usize, usize, u64)) -> impl Iterator<Item = (usize, u64)> {
        let (step, item, _) = task;
        let (window, batch) = (self.window(task), batch_frames(&self.items[item].0));
        let made = self.makers(step).flat_map(move |maker| {
            let length = self.length(maker, item);
            let tasks = runs(&self.window(task), length);
            runs(&(tasks.start * length..tasks.end * length), batch)
        });
        runs(&window, batch).chain(made).map(move |batch| (item, batch))
    }

    /// Slices that a task keeps while it is open: for what it makes, and for what was made that it looks at.
    fn keeps_slices(&self, task: (usize, usize, u64)) -> impl Iterator<Item = (usize, u64)> {
        let (step, item, _) = task;
        let slice = self.slice(item);
        let own = self.is_maker_of_parts(step, item).then(|| runs(&self.range(task), slice));
        let made = self.makers(step).filter(move |maker| self.is_maker_of_parts(*maker, item)).flat_map(move |maker| {
            let length = self.length(maker, item);
            let tasks = runs(&self.window(task), length);
            runs(&(tasks.start * length..(tasks.end * length).min(self.items[item].1)), slice)
        });
        own.into_iter().flatten().chain(made).map(move |slice| (item, slice))
    }

    /// Whether everything is there that a task reads, and memory for what it makes. Frames of batches that are no longer held
    /// are gone.
    fn is_ready(&self, task: (usize, usize, u64)) -> bool {
        let (step, item, _) = task;
        let window = self.window(task);
        let in_pass =
            |(provider, half): &(usize, Half)| *half == Half::Process && self.plan.steps[*provider].pass == self.pass;
        let is_done = |provider: usize| {
            runs(&window, self.length(provider, item)).all(|task| self.done.contains(&(provider, item, task)))
        };
        let reads_frames = !self.plan.steps[step].pixels.is_empty();
        let mut batches = runs(&window, batch_frames(&self.items[item].0));
        (!reads_frames || batches.all(|batch| self.batches.contains(&(item, batch))))
            && self.keeps_slices(task).all(|slice| self.slices.contains(&slice))
            && waits_for(self.plan, step, Half::Process).iter().filter(|half| in_pass(half)).all(|(of, _)| is_done(*of))
    }

    pub(super) fn tasks(&self) -> Vec<(usize, usize, u64)> {
        let steps = &self.plan.passes[self.pass].process;
        let of_item = |item: usize| {
            let frames = 0..self.items[item].1;
            steps
                .iter()
                .flat_map(move |step| runs(&frames, self.length(*step, item)).map(move |task| (*step, item, task)))
        };
        (0..self.items.len()).flat_map(of_item).collect()
    }

    /// Runs the pass with `credit` bytes, slices admitted in item order, batches with the first of theirs; true when all tasks
    /// came to run.
    pub(super) fn completes(&mut self, credit: u64) -> bool {
        let bytes = |of: fn(&Plan, usize, &Item) -> u64| -> Vec<u64> {
            self.items.iter().map(|(item, _)| of(self.plan, self.pass, item)).collect()
        };
        let (batch_bytes, slice_bytes) = (bytes(batch_bytes), bytes(slice_bytes));
        let slices = |item: usize| runs(&(0..self.items[item].1), self.slice(item)).map(move |slice| (item, slice));
        let mut coming = (0..self.items.len()).flat_map(slices).collect::<Vec<_>>().into_iter().peekable();
        loop {
            let mut moved = false;
            while let Some(&(item, slice)) = coming.peek() {
                let frame = slice * self.slice(item);
                let (batch, length) = (frame / batch_frames(&self.items[item].0), batch_frames(&self.items[item].0));
                let begins = frame.is_multiple_of(length);
                let more = slice_bytes[item] + if begins { batch_bytes[item] } else { 0 };
                let held = self.batches.iter().map(|held| batch_bytes[held.0]).sum::<u64>()
                    + self.slices.iter().map(|held| slice_bytes[held.0]).sum::<u64>();
                if held + more > credit {
                    break;
                }
                moved |= self.slices.insert((item, slice));
                moved |= begins && self.batches.insert((item, batch));
                coming.next();
            }
            let open: Vec<_> = self.tasks().into_iter().filter(|task| !self.done.contains(task)).collect();
            for task in open.iter().copied().filter(|task| self.is_ready(*task)).collect::<Vec<_>>() {
                moved |= self.done.insert(task);
            }
            let open: Vec<_> = open.into_iter().filter(|task| !self.done.contains(task)).collect();
            let batches: BTreeSet<_> = open.iter().flat_map(|task| self.keeps_batches(*task)).collect();
            let slices: BTreeSet<_> = open.iter().flat_map(|task| self.keeps_slices(*task)).collect();
            self.batches.retain(|batch| batches.contains(batch));
            self.slices.retain(|slice| slices.contains(slice));
            if open.is_empty() {
                return true;
            }
            if !moved {
                return false;
            }
        }
    }
}
