//! Documents: read as they were written, named by what they hold, gone when nothing refers to them.
use framefleet_ledger::{Ledger, LedgerError, Output};
use framefleet_proto::v1::ImageFile;
use framefleet_testkit_ledger::open;
use futures::TryStreamExt;

/// The folder of documents.
const DOCUMENTS: &str = ".framefleet/documents";

/// Where a document's root lies.
fn path(name: &[u8]) -> String {
    let hex = hex::encode(name);
    format!("{DOCUMENTS}/{}/{hex}", &hex[..2])
}

fn file(frame: u64) -> ImageFile {
    ImageFile { frame, name: format!("{}{frame}.jpg", "long ".repeat(30)), ..ImageFile::default() }
}

async fn write(ledger: &Ledger, files: u64) -> bytes::Bytes {
    let mut writer = ledger.document();
    for frame in 0..files {
        writer.push(&file(frame)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn read(ledger: &Ledger, name: &[u8]) -> Result<Vec<ImageFile>, LedgerError> {
    ledger.read_document(name).try_collect().await
}

/// Objects below the folder of documents.
async fn objects(ledger: &Ledger) -> usize {
    ledger.store().list(DOCUMENTS).await.unwrap().len()
}

#[tokio::test]
async fn a_document_of_any_length_is_read_as_it_was_written() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    for files in [0, 1, 20_000] {
        let name = write(&ledger, files).await;
        let expected: Vec<ImageFile> = (0..files).map(file).collect();
        assert_eq!(read(&ledger, &name).await.unwrap(), expected);
        let before = objects(&ledger).await;
        assert_eq!(write(&ledger, files).await, name, "the same list has the same name");
        assert_eq!(objects(&ledger).await, before, "and is not there twice");
    }
    let chunks: Vec<Vec<ImageFile>> =
        ledger.document_chunks(&write(&ledger, 20_000).await).try_collect().await.unwrap();
    assert!(chunks.len() > 10, "{} chunks", chunks.len());
}

#[tokio::test]
async fn what_is_missing_or_has_other_bytes_is_an_error_that_names_it() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let name = write(&ledger, 20_000).await;
    let store = ledger.store();
    let root = path(&name);
    let chunk = store.list(DOCUMENTS).await.unwrap().into_iter().find(|(path, _)| *path != root).unwrap();
    store.write(&chunk.0, vec![7; chunk.1 as usize].into()).await.unwrap();
    let error = read(&ledger, &name).await.unwrap_err().to_string();
    assert!(error.contains(&chunk.0) && error.contains("other bytes"), "{error}");
    let error = read(&ledger, b"no name").await.unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
}

#[tokio::test]
async fn documents_stay_as_long_as_a_name_refers_to_them() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    let (kept, transient) = (write(&ledger, 5_000).await, write(&ledger, 6_000).await);
    ledger.keep_document("index/one", &kept, b"this").await.unwrap();
    drop(ledger);

    let ledger = open(&output).await.unwrap();
    assert_eq!(ledger.kept_document("index/one", b"this").await.unwrap(), Some(kept.clone()));
    assert_eq!(ledger.kept_document("index/one", b"that").await.unwrap(), None, "of another state");
    assert_eq!(ledger.kept_document("index/two", b"this").await.unwrap(), None);
    assert_eq!(read(&ledger, &kept).await.unwrap().len(), 5_000);
    assert!(read(&ledger, &transient).await.is_err());

    let other = write(&ledger, 7).await;
    ledger.keep_document("index/one", &other, b"that").await.unwrap();
    ledger.compact().await.unwrap();
    assert_eq!(objects(&ledger).await, 2, "a root and a chunk");
    ledger.store().delete([path(&other)]).await.unwrap();
    assert_eq!(ledger.kept_document("index/one", b"that").await.unwrap(), None, "not all of it is there");
}
