//! One nats-server for all tests of a program, a namespace for each.
use framefleet_bus_nats::{NatsBus, NatsOptions, NatsServer, ServerOptions};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A server in a folder of its own.
pub fn server() -> (NatsServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (NatsServer::start(ServerOptions::new(folder.path())).unwrap(), folder)
}

/// The server that tests share which do it no harm.
pub fn shared() -> &'static NatsServer {
    static SERVER: OnceLock<NatsServer> = OnceLock::new();
    SERVER.get_or_init(|| NatsServer::start(ServerOptions::new(scratch().join("server"))).unwrap())
}

/// A folder for what lives as long as this process: nobody drops it, so those of processes that have ended are removed here.
pub fn scratch() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bus-nats");
        for of_process in std::fs::read_dir(&all).into_iter().flatten().filter_map(Result::ok) {
            if !Path::new("/proc").join(of_process.file_name()).exists() {
                let _ = std::fs::remove_dir_all(of_process.path());
            }
        }
        let folder = all.join(std::process::id().to_string());
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Options for a fleet of its own on a server.
pub fn options(url: impl Into<String>) -> NatsOptions {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let namespace = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    // The server sets the bytes of events aside, and tests are many.
    NatsOptions { namespace, event_bytes: 16 << 20, ..NatsOptions::new(url) }
}

/// An empty bus on the shared server.
pub async fn bus(ack_wait: Duration) -> NatsBus {
    NatsBus::connect(NatsOptions { ack_wait, ..options(shared().url()) }).await.unwrap()
}
