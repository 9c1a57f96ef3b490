//! One job at a time owns an output: a lock on a file in folders, a lease that expires in stores.
mod lease;
mod lock;
mod owner;

pub use lease::LeaseTiming;

use crate::store::Store;
use crate::{LedgerError, layout};
use lease::Lease;
use std::fs::File;

/// The right to write to an output. Dropping it gives a lock back at once; a lease runs out.
#[derive(Debug)]
pub(crate) enum Ownership {
    Lock(File),
    Lease(Lease),
}

impl Ownership {
    /// Takes the output, or says who has it.
    pub async fn take(store: &Store, timing: LeaseTiming) -> Result<Self, LedgerError> {
        match store.local(layout::LOCK) {
            Some(path) => lock::lock(store.url(), &path).map(Self::Lock),
            None => Lease::take(store, timing).await.map(Self::Lease),
        }
    }

    /// Refuses when the output is no longer this process's.
    pub fn check(&self, store: &Store) -> Result<(), LedgerError> {
        match self {
            Self::Lease(lease) if lease.is_lost() => {
                let reason = "it could not be renewed in time, or another process took it".to_owned();
                Err(LedgerError::LeaseLost { output: store.url().to_owned(), reason })
            }
            _ => Ok(()),
        }
    }

    /// Gives the output back, so that the next job need not wait for a lease to run out.
    pub async fn release(&self) -> Result<(), LedgerError> {
        match self {
            Self::Lock(file) => file.unlock().map_err(|source| LedgerError::access("unlock", layout::LOCK, source)),
            Self::Lease(lease) => lease.release().await,
        }
    }
}
