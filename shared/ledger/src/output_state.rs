//! What an output remembers about itself: the format of its ledger, its owners, its source.
use crate::store::Store;
use crate::{LedgerError, layout};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Raised when older programs could no longer read an output, or this one those of older programs.
pub(crate) const FORMAT: u32 = 2;

/// What a job reads, as far as the output has to recognise it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceIdentity {
    /// The job's source as the user gave it.
    pub source: String,
    /// A digest of the identity of every item, by the item's name: other content under a known name is refused.
    pub items: BTreeMap<String, String>,
}

/// `.framefleet/output.json`: its presence makes a place an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// Number of the owner.
    pub epoch: u64,
    /// What the job reads.
    #[serde(flatten)]
    pub source: SourceIdentity,
}

impl State {
    /// Makes it what the output says of itself.
    pub async fn write(&self, store: &Store) -> Result<(), LedgerError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| store.damaged(layout::STATE, error))?;
        store.write(layout::STATE, text.into()).await
    }
}

/// What an output says of itself; `None` where there is none. Refuses other formats than this program's.
pub(crate) async fn read_state(store: &Store) -> Result<Option<State>, LedgerError> {
    let Some(bytes) = store.read(layout::STATE).await? else { return Ok(None) };
    let state: State = serde_json::from_slice(&bytes).map_err(|error| store.damaged(layout::STATE, error))?;
    let (output, found, known) = (store.url().to_owned(), state.format, FORMAT);
    match found.cmp(&known) {
        Ordering::Greater => Err(LedgerError::NewerFormat { output, found, known }),
        Ordering::Less => Err(LedgerError::OlderFormat { output, found, known }),
        Ordering::Equal => Ok(Some(state)),
    }
}

/// Known items and new ones; an item of both must have one identity.
pub(crate) fn merge_items(
    mut known: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, LedgerError> {
    for (item, identity) in new {
        match known.get(&item) {
            Some(before) if *before != identity => return Err(LedgerError::OtherContent { item }),
            _ => known.insert(item, identity),
        };
    }
    Ok(known)
}
