//! The ledgers of the outputs that a process works on.
use crate::{Ledger, LedgerError, Output};
use lru::LruCache;
use parking_lot::Mutex;
use std::num::NonZeroUsize;

/// Outputs that a worker keeps open.
const OPEN: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// Finds the ledger of a task's output: one that was given, or one that is joined when the first task names it.
#[derive(Debug)]
pub struct Ledgers {
    build: String,
    /// By the output's URL.
    open: Mutex<LruCache<String, Ledger>>,
}

impl Ledgers {
    /// Joins outputs as tasks name them. `build` is recorded in the entries made here.
    pub fn joining(build: &str) -> Self {
        Self { build: build.to_owned(), open: Mutex::new(LruCache::new(OPEN)) }
    }

    /// Knows the output that this process owns.
    pub fn of_owner(ledger: Ledger) -> Self {
        let ledgers = Self::joining(ledger.build());
        ledgers.open.lock().put(ledger.output().url().to_owned(), ledger);
        ledgers
    }

    /// The ledger of an output, for a task that the owner of this epoch handed out; [`LedgerError::Superseded`] when another
    /// owner has the output by now.
    pub async fn get(&self, output: &str, epoch: u64) -> Result<Ledger, LedgerError> {
        let known = self.open.lock().get(output).filter(|ledger| ledger.epoch() == epoch).cloned();
        if let Some(ledger) = known {
            ledger.check_current().await?;
            return Ok(ledger);
        }
        let ledger = Ledger::join(Output::parse(output)?, epoch, self.build.clone()).await?;
        self.open.lock().put(output.to_owned(), ledger.clone());
        Ok(ledger)
    }
}
