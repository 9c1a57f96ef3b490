//! Opening an output: for a job, which takes it over; for reading; for a worker of its owner.
mod clean;

use crate::index::Index;
use crate::ledger::{Identity, Role};
use crate::output_state::{FORMAT, SourceIdentity, State, merge_items, read_state};
use crate::ownership::{LeaseTiming, Ownership};
use crate::place::prepare;
use crate::store::Store;
use crate::{Ledger, LedgerError, Output};
use clean::{clean, start_over};

/// How an output is opened for a job.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Remove what is there (but for the user's corrections) and start over.
    pub fresh: bool,
    /// Version and revision of this program: recorded in entries, never keyed.
    pub build: String,
    /// What the job reads.
    pub source: SourceIdentity,
}

impl Ledger {
    /// Opens an output for a job: creates it or takes it over, and reads what is finished.
    ///
    /// Refused when the place holds other things ([`LedgerError::NotAnOutput`]), is a file ([`LedgerError::InTheWay`]) or cannot be
    /// written ([`LedgerError::Access`]), when another living process owns it ([`LedgerError::Owned`]), and when an item's content is
    /// another than the output knows under its name ([`LedgerError::OtherContent`]).
    pub async fn open(output: Output, options: OpenOptions) -> Result<Self, LedgerError> {
        Self::open_timed(output, options, LeaseTiming::default()).await
    }

    /// [`Ledger::open`] with a choice of how long a lease lasts.
    pub async fn open_timed(output: Output, options: OpenOptions, timing: LeaseTiming) -> Result<Self, LedgerError> {
        let store = prepare(&output).await?;
        let owner = Ownership::take(&store, timing).await?;
        match take_over(&store, &options).await {
            Ok((state, mut index)) => {
                let stale = std::mem::take(&mut index.stale);
                let identity = Identity { epoch: state.epoch, build: options.build, source: state.source };
                let ledger = Self::new(output, store, Role::Owner(owner), identity, index);
                ledger.rewrite(&stale).await?;
                Ok(ledger)
            }
            Err(error) => {
                // The reason for not opening matters more than a lease that was not given back: it runs out.
                let _ = owner.release().await;
                Err(error)
            }
        }
    }

    /// Opens an output for reading: reports, `verify`. Somebody else may be writing to it.
    pub async fn read(output: Output) -> Result<Self, LedgerError> {
        let nothing = || LedgerError::NoOutput { output: output.url().to_owned() };
        if output.local_path().is_some_and(|folder| !folder.is_dir()) {
            return Err(nothing());
        }
        let store = Store::new(&output)?;
        let state = read_state(&store).await?.ok_or_else(nothing)?;
        let index = Index::load(&store).await?;
        let identity = Identity { epoch: state.epoch, build: String::new(), source: state.source };
        Ok(Self::new(output, store, Role::Reader, identity, index))
    }

    /// Opens an output for a worker of the owner of this epoch: it reads what tasks made and files results, and neither
    /// lists what there is nor owns it. [`LedgerError::Superseded`] when another owner has the output by now.
    pub async fn join(output: Output, epoch: u64, build: String) -> Result<Self, LedgerError> {
        let store = Store::new(&output)?;
        let state = read_state(&store).await?;
        let state = state.ok_or_else(|| LedgerError::NoOutput { output: output.url().to_owned() })?;
        let identity = Identity { epoch, build, source: state.source };
        let ledger = Self::new(output, store, Role::Worker, identity, Index::default());
        ledger.check_is_of(state.epoch)?;
        Ok(ledger)
    }
}

/// What the new owner does first: checks the items, starts over when asked to, raises the epoch, reads the entries and
/// removes what crashes left behind.
async fn take_over(store: &Store, options: &OpenOptions) -> Result<(State, Index), LedgerError> {
    let found = match read_state(store).await {
        // What an older program wrote is not read, but it can make room.
        Err(LedgerError::OlderFormat { .. }) if options.fresh => None,
        found => found?,
    };
    let epoch = found.as_ref().map_or(0, |state| state.epoch) + 1;
    let mut source = options.source.clone();
    if options.fresh {
        start_over(store).await?;
    } else if let Some(found) = found {
        source.items = merge_items(found.source.items, source.items)?;
    }
    let state = State { format: FORMAT, epoch, source };
    state.write(store).await?;
    let mut index = Index::load(store).await?;
    clean(store, &mut index).await?;
    Ok((state, index))
}
