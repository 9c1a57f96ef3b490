//! Blobs in a folder keep the rules of every store of blobs.
use framefleet_bus::Blobs;
use framefleet_bus_nats::DirBlobs;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// An empty folder of blobs, on tmpfs where there is one. Folders stay until the program ends.
async fn empty(capacity: u64) -> Arc<dyn Blobs> {
    static FOLDERS: Mutex<Vec<TempDir>> = Mutex::new(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let blobs = DirBlobs::open(folder.path(), capacity).unwrap();
    FOLDERS.lock().unwrap().push(folder);
    Arc::new(blobs)
}

framefleet_bus::blobs_conformance!(empty);
