//! One item of a job: how far it is indexed and what is known of its tasks. Items are settled independently of each other.
mod expectation;
mod inputs;
mod keys;
mod settle;

pub(crate) use inputs::{Inputs, ProcessInputs};
pub(crate) use settle::News;

use super::shared::Shared;
use super::status::{Decided, Status};
use crate::footage::Footage;
use crate::task::TaskRef;
use framefleet_frames::FrameRange;
use framefleet_ledger::TaskKey;
use framefleet_pipeline::Plan;
use std::collections::{BTreeSet, HashMap};

/// One item.
#[derive(Debug)]
pub(crate) struct ItemState {
    number: usize,
    footage: Footage,
    /// By batch, what decoding gave in this pass.
    ingest: HashMap<usize, Decided>,
    /// By step and group.
    process: Vec<Vec<Status>>,
    /// Tasks whose retry generation was raised in this run.
    retried: BTreeSet<TaskRef>,
}

impl ItemState {
    /// The item with this number, of which nothing is known but its footage.
    pub fn new(number: usize, footage: Footage, steps: usize) -> Self {
        let process = vec![Vec::new(); steps];
        Self { number, footage, ingest: HashMap::new(), process, retried: BTreeSet::new() }
    }

    /// What is indexed of it.
    pub fn footage(&self) -> &Footage {
        &self.footage
    }

    /// What is indexed of it, to add to.
    pub fn footage_mut(&mut self) -> &mut Footage {
        &mut self.footage
    }

    /// What is known of a process task.
    pub fn status(&self, step: usize, group: usize) -> &Status {
        const UNKNOWN: &Status = &Status::Unknown;
        self.process.get(step).and_then(|groups| groups.get(group)).unwrap_or(UNKNOWN)
    }

    fn status_mut(&mut self, step: usize, group: usize) -> &mut Status {
        let groups = &mut self.process[step];
        if groups.len() <= group {
            groups.resize(group + 1, Status::Unknown);
        }
        &mut groups[group]
    }

    /// What is known of the tasks of a step, by group.
    pub fn statuses(&self, step: usize) -> &[Status] {
        &self.process[step]
    }

    /// The key under which decoding of a batch is done.
    pub fn decoded_key(&self, batch: usize) -> Option<TaskKey> {
        self.ingest.get(&batch).map(|(key, _)| *key)
    }

    /// What decoding gave in this pass, by batch; it is taken out.
    pub fn take_decoding(&mut self) -> HashMap<usize, Decided> {
        std::mem::take(&mut self.ingest)
    }
}

/// An item with what all items are settled by.
#[derive(Clone, Copy)]
pub(crate) struct ItemView<'a> {
    job: &'a Shared,
    item: &'a ItemState,
}

impl<'a> ItemView<'a> {
    pub fn new(job: &'a Shared, item: &'a ItemState) -> Self {
        Self { job, item }
    }

    /// What is indexed of the item.
    pub fn footage(self) -> &'a Footage {
        &self.item.footage
    }

    /// What is known of a process task.
    pub fn status(self, step: usize, group: usize) -> &'a Status {
        self.item.status(step, group)
    }

    /// The frames of a group that the job does, unless a preview leaves the group out.
    pub fn chosen_range(self, step: usize, group: usize) -> Option<FrameRange> {
        let range = self.footage().task_range(step, group, &self.plan().range)?;
        self.job.preview().is_none_or(|preview| preview.includes(step, self.number(), &range)).then_some(range)
    }

    fn number(self) -> usize {
        self.item.number
    }

    fn plan(self) -> &'a Plan {
        self.job.plan()
    }

    fn pass(self) -> usize {
        self.job.pass()
    }
}
