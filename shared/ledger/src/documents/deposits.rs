//! Files that a job's settings name, under the digest of their content: they lie in the output, where whoever works on the job
//! can read them, and nothing of them is a result.
use crate::place::prepare;
use crate::{Ledger, LedgerError, Output, layout};
use bytes::Bytes;
use std::collections::BTreeSet;

impl Ledger {
    /// Puts files into an output, which need not be open or exist: a job that is submitted brings its files before its turn comes.
    /// Refused where [`Ledger::open`] would refuse the place.
    pub async fn deposit(output: &Output, contents: impl IntoIterator<Item = Bytes>) -> Result<(), LedgerError> {
        let store = prepare(output).await?;
        for content in contents {
            store.write(&layout::deposit(&blake3::hash(&content)), content).await?;
        }
        Ok(())
    }

    /// The file of this digest (BLAKE3, 64 hex digits), if the output has it. [`LedgerError::Damaged`] when its content is another.
    pub async fn deposited(&self, digest: &str) -> Result<Option<Bytes>, LedgerError> {
        let known = blake3::Hash::from_hex(digest).map_err(|error| LedgerError::invalid(digest, error.to_string()))?;
        let path = layout::deposit(&known);
        let Some(content) = self.store().read(&path).await? else { return Ok(None) };
        match blake3::hash(&content) == known {
            true => Ok(Some(content)),
            false => Err(self.store().damaged(&path, "its content is not that of its digest")),
        }
    }

    /// Removes the files that are none of these; the owner's.
    pub async fn keep_deposits(&self, digests: &BTreeSet<&str>) -> Result<(), LedgerError> {
        self.check_owner("remove files")?;
        let found = self.store().list(layout::DEPOSITS).await?.into_iter().map(|(path, _)| path);
        let unused = found.filter(|path| path.rsplit('/').next().is_none_or(|digest| !digests.contains(digest)));
        self.store().delete(unused).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenOptions;

    #[tokio::test]
    async fn files_are_there_before_and_after_a_job_is_opened_also_afresh() {
        let folder = tempfile::tempdir().unwrap();
        for output in [Output::parse(folder.path().join("out").to_str().unwrap()).unwrap(), Output::in_memory()] {
            let (kept, gone) = (Bytes::from_static(b"a table"), Bytes::from_static(b"another"));
            Ledger::deposit(&output, [kept.clone(), gone.clone()]).await.unwrap();
            let open = OpenOptions { fresh: true, ..OpenOptions::default() };
            let ledger = Ledger::open(output.clone(), open).await.unwrap();
            let [kept_digest, gone_digest] = [&kept, &gone].map(|content| blake3::hash(content).to_hex().to_string());
            assert_eq!(ledger.deposited(&kept_digest).await.unwrap(), Some(kept));
            ledger.keep_deposits(&BTreeSet::from([kept_digest.as_str()])).await.unwrap();
            assert!(ledger.deposited(&kept_digest).await.unwrap().is_some());
            assert_eq!(ledger.deposited(&gone_digest).await.unwrap(), None);
            assert!(ledger.deposited("../output.json").await.is_err());
            let path = layout::deposit(&blake3::Hash::from_hex(&kept_digest).unwrap());
            ledger.store().write(&path, Bytes::from_static(b"a tabel")).await.unwrap();
            let problem = ledger.deposited(&kept_digest).await.unwrap_err();
            assert!(matches!(problem, LedgerError::Damaged { .. }), "{problem}");
            ledger.close().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_place_of_other_things_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
        let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
        let problem = Ledger::deposit(&output, [Bytes::from_static(b"a table")]).await.unwrap_err();
        assert!(matches!(problem, LedgerError::NotAnOutput { .. }), "{problem}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
