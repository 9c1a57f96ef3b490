//! Which documents stay: those that a step's result refers to, and those that are kept under a name.
use super::objects;
use crate::store::Store;
use crate::{Ledger, LedgerError, layout};
use bytes::Bytes;
use framefleet_proto::v1::{CompletedStep, KeptDocument};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::collections::HashSet;

/// Objects that are looked for together.
const CONCURRENCY: usize = 16;

impl Ledger {
    /// Keeps a document under a name, in place of the one that had it. `made_of` tells the state that it was made of.
    pub async fn keep_document(&self, name: &str, document: &[u8], made_of: &[u8]) -> Result<(), LedgerError> {
        layout::check_name("the name of a document", name)?;
        self.check_writer("keep a document").await?;
        let kept =
            KeptDocument { document: Bytes::copy_from_slice(document), made_of: Bytes::copy_from_slice(made_of) };
        self.store().write(&layout::kept(name), kept.encode_to_vec().into()).await
    }

    /// The document that is kept under a name, if it was made of this state and all of it is there.
    pub async fn kept_document(&self, name: &str, made_of: &[u8]) -> Result<Option<Bytes>, LedgerError> {
        layout::check_name("the name of a document", name)?;
        let store = self.store();
        let kept = store.read(&layout::kept(name)).await?.and_then(|bytes| KeptDocument::decode(bytes).ok());
        let Some(kept) = kept.filter(|kept| kept.made_of == made_of) else { return Ok(None) };
        let Some(objects) = objects(store, &kept.document).await? else { return Ok(None) };
        let there = |path: String| async move { store.length(&path).await.map(|length| length.is_some()) };
        let whole = futures::stream::iter(objects)
            .map(there)
            .buffer_unordered(CONCURRENCY)
            .try_all(|there| async move { there });
        Ok(whole.await?.then_some(kept.document))
    }
}

/// Removes documents that neither the results of steps nor a name refers to. Nobody may be writing one.
pub(crate) async fn prune_documents(store: &Store, steps: &[CompletedStep]) -> Result<(), LedgerError> {
    let found: Vec<String> = store.list(layout::DOCUMENTS).await?.into_iter().map(|(path, _)| path).collect();
    if found.is_empty() {
        return Ok(());
    }
    let manifests = steps.iter().filter_map(|step| step.manifest.as_ref());
    let mut names: Vec<Bytes> =
        manifests.flat_map(|manifest| [manifest.items.clone(), manifest.tasks.clone()]).collect();
    for (path, _) in store.list(layout::KEPT).await? {
        let kept = store.read(&path).await?.and_then(|bytes| KeptDocument::decode(bytes).ok());
        names.extend(kept.map(|kept| kept.document));
    }
    let mut stay = HashSet::new();
    for name in names {
        stay.extend(objects(store, &name).await?.into_iter().flatten());
    }
    store.delete(found.into_iter().filter(|path| !stay.contains(path))).await
}
