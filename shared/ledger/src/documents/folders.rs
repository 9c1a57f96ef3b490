//! What an output keeps of a folder of images from one run to the next: the number of every still, and what was read.
use crate::{KeyHasher, Ledger, LedgerError};
use bytes::Bytes;

impl Ledger {
    /// The document that lists the batches (`KnownBatch`) of a folder of images as it was indexed last; `None` when this output has not
    /// seen it yet.
    pub async fn folder(&self, item: &str) -> Result<Option<Bytes>, LedgerError> {
        self.kept_document(&name(item), &[]).await
    }

    /// Keeps a folder as it was indexed now.
    pub async fn keep_folder(&self, item: &str, batches: &[u8]) -> Result<(), LedgerError> {
        self.keep_document(&name(item), batches, &[]).await
    }
}

fn name(item: &str) -> String {
    format!("folders/{}", KeyHasher::new("folder").field("item", item.as_bytes()).finish())
}
