use super::MemoryBlobs;
use crate::{BlobError, Blobs};
use std::sync::Arc;

crate::blobs_conformance!(async |capacity| Arc::new(MemoryBlobs::new(capacity)) as Arc<dyn Blobs>);

#[tokio::test]
async fn readers_share_the_memory_that_was_written() {
    let blobs = MemoryBlobs::new(4096);
    let mut writer = blobs.reserve("1-0", 4096).await.unwrap();
    let written = writer.memory().as_ptr();
    let name = writer.finish().unwrap();
    assert_eq!(blobs.get(&name).await.unwrap().as_ptr(), written, "copied on the way");
}

#[tokio::test]
async fn a_name_of_another_memory_is_stale() {
    let (here, there) = (MemoryBlobs::new(4096), MemoryBlobs::new(4096));
    let name = here.reserve("1-0", 8).await.unwrap().finish().unwrap();
    there.reserve("1-0", 8).await.unwrap().finish().unwrap();
    assert!(matches!(there.get(&name).await, Err(BlobError::Stale(key)) if key == "1-0"));
    there.release(&name).await.unwrap();
    assert_eq!(there.used(), 8);
}
