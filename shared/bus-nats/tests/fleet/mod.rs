//! One nats-server for all tests of a program, a namespace for each.
use framefleet_bus_nats::{NatsBus, NatsOptions, NatsServer, ServerOptions};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A server in a folder of its own. It ends with the program, and its folder lies where the machine cleans up.
pub fn server() -> (NatsServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (NatsServer::start(ServerOptions::new(folder.path())).unwrap(), folder)
}

/// The server that tests share which do it no harm.
pub fn shared() -> &'static NatsServer {
    static SERVER: OnceLock<(NatsServer, TempDir)> = OnceLock::new();
    &SERVER.get_or_init(server).0
}

/// Options for a fleet of its own on a server.
pub fn options(url: impl Into<String>) -> NatsOptions {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let namespace = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    NatsOptions { namespace, ..NatsOptions::new(url) }
}

/// An empty bus on the shared server.
pub async fn bus(ack_wait: Duration) -> NatsBus {
    NatsBus::connect(NatsOptions { ack_wait, ..options(shared().url()) }).await.unwrap()
}
