//! The ledgers of the outputs that a process works on.
use crate::ledger::Role;
use crate::{Ledger, LedgerError, Output};
use std::sync::{Mutex, PoisonError};

/// Outputs that a worker keeps open.
const OPEN: usize = 32;

/// Finds the ledger of a task's output: one that was handed in, or one that is joined when the first task names it.
#[derive(Debug, Default)]
pub struct Ledgers {
    build: String,
    /// The one used last at the end.
    open: Mutex<Vec<Ledger>>,
}

impl Ledgers {
    /// Joins outputs as tasks name them. `build` is recorded in the entries made here.
    pub fn joining(build: &str) -> Self {
        Self { build: build.to_owned(), open: Mutex::default() }
    }

    /// Knows the output that this process owns.
    pub fn of_owner(ledger: Ledger) -> Self {
        Self { build: ledger.inner.build.clone(), open: Mutex::new(vec![ledger]) }
    }

    /// The ledger of an output, for a task that the owner of this epoch handed out; [`LedgerError::Superseded`] when another
    /// owner has the output by now.
    pub async fn get(&self, output: &str, epoch: u64) -> Result<Ledger, LedgerError> {
        if let Some(ledger) = self.use_open(output, epoch) {
            if matches!(ledger.inner.role, Role::Worker) {
                ledger.check_epoch().await?;
            }
            return Ok(ledger);
        }
        let ledger = Ledger::join(Output::parse(output)?, epoch, self.build.clone()).await?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| other.output().url() != output);
        if open.len() >= OPEN {
            open.remove(0);
        }
        open.push(ledger.clone());
        Ok(ledger)
    }

    fn use_open(&self, output: &str, epoch: u64) -> Option<Ledger> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.iter().position(|ledger| ledger.output().url() == output && ledger.epoch() == epoch)?;
        let ledger = open.remove(found);
        open.push(ledger.clone());
        Some(ledger)
    }
}
