//! Reading the files of records back: lines of JSON, the number of rows of Parquet.
use bytes::Bytes;
use framefleet_ledger::{LedgerError, Store};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use parquet::DecodeResult;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataPushDecoder};
use tokio::io::AsyncBufReadExt;
use tokio_util::io::StreamReader;

/// The number of rows that a Parquet file says it has; in words, why it cannot be read.
pub(super) async fn parquet_rows(store: &Store, path: &str) -> Result<u64, String> {
    let words = |error: LedgerError| error.to_string();
    let length = store.length(path).await.map_err(words)?.ok_or("it is missing")?;
    let decoder = ParquetMetaDataPushDecoder::try_new(length).map_err(|error| error.to_string())?;
    let mut decoder = decoder.with_page_index_policy(PageIndexPolicy::Skip);
    loop {
        match decoder.try_decode().map_err(|error| error.to_string())? {
            DecodeResult::NeedsData(ranges) => {
                for range in ranges {
                    let bytes = store.read_range(path, range.clone()).await.map_err(words)?.ok_or("it is missing")?;
                    decoder.push_range(range, bytes).map_err(|error| error.to_string())?;
                }
            }
            DecodeResult::Data(metadata) => {
                return Ok(metadata.row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum());
            }
            DecodeResult::Finished => return Err("it has no footer".to_owned()),
        }
    }
}

/// The lines of an object, one at a time.
pub(super) struct Lines {
    reader: StreamReader<BoxStream<'static, std::io::Result<Bytes>>, Bytes>,
    store: Store,
    path: String,
}

impl Lines {
    pub(super) async fn open(store: &Store, path: &str) -> Result<Option<Self>, LedgerError> {
        let pieces = store.stream(path).await?;
        let reader = |pieces: BoxStream<'static, Result<Bytes, LedgerError>>| {
            StreamReader::new(Box::pin(pieces.map_err(std::io::Error::other)) as BoxStream<'static, _>)
        };
        Ok(pieces.map(|pieces| Self { reader: reader(pieces), store: store.clone(), path: path.to_owned() }))
    }

    /// The next line with its end; empty after the last.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, LedgerError> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line).await;
        read.map(|_| line).map_err(|error| self.store.damaged(&self.path, error))
    }
}
