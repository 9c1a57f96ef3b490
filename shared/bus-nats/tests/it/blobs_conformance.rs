//! Blobs in a folder keep the rules of every store of blobs.
use crate::fleet::scratch;
use framefleet_bus::Blobs;
use framefleet_bus_nats::DirBlobs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An empty folder of blobs.
async fn empty(capacity: u64) -> Arc<dyn Blobs> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let folder = scratch().join(format!("blobs-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    Arc::new(DirBlobs::open(&folder, capacity).unwrap())
}

framefleet_bus::blobs_conformance!(empty);
