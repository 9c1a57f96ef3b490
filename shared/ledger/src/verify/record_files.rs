//! Reading the files of records back: lines of JSON, the footer of Parquet.
use crate::{Ledger, LedgerError};
use futures::TryStreamExt;

/// The number of rows that a Parquet file says it has.
pub(super) async fn parquet_rows(ledger: &Ledger, path: &str) -> Result<u64, String> {
    use parquet::file::metadata::ParquetMetaDataReader;
    const TAIL: u64 = 8;
    let store = &ledger.inner.store;
    let words = |error: LedgerError| error.to_string();
    let length = store.length(path).await.map_err(words)?.ok_or("it is missing")?;
    let read = |from: u64, to: u64| async move {
        store.read_range(path, from..to).await.map_err(words)?.ok_or("it is missing".to_owned())
    };
    let tail = read(length.checked_sub(TAIL).ok_or("it is too short")?, length).await?;
    let size: [u8; 4] = tail.get(..4).and_then(|bytes| bytes.try_into().ok()).ok_or("it is too short")?;
    let footer = u64::from(u32::from_le_bytes(size));
    let start = length.checked_sub(TAIL + footer).ok_or("its footer is longer than the file")?;
    let metadata = ParquetMetaDataReader::decode_metadata(&read(start, length - TAIL).await?)
        .map_err(|error| error.to_string())?;
    Ok(metadata.row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum())
}

/// The lines of an object, one at a time.
pub(super) struct Lines {
    pieces: futures::stream::BoxStream<'static, object_store::Result<bytes::Bytes>>,
    rest: Vec<u8>,
    ledger: Ledger,
    path: String,
}

impl Lines {
    pub(super) async fn open(ledger: &Ledger, path: &str) -> Result<Option<Self>, LedgerError> {
        let found = ledger.inner.store.stream(path).await?;
        Ok(found.map(|found| Self {
            pieces: found.into_stream(),
            rest: Vec::new(),
            ledger: ledger.clone(),
            path: path.to_owned(),
        }))
    }

    /// The next line with its end; empty after the last.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, LedgerError> {
        loop {
            if let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                let rest = self.rest.split_off(end + 1);
                return Ok(std::mem::replace(&mut self.rest, rest));
            }
            match self.pieces.try_next().await.map_err(|error| self.ledger.inner.store.damaged(&self.path, error))? {
                Some(piece) => self.rest.extend_from_slice(&piece),
                None => return Ok(std::mem::take(&mut self.rest)),
            }
        }
    }
}
