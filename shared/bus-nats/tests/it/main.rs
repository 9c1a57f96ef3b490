//! What the bus over NATS promises, with real servers and real faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod blobs_conformance;
mod bus_conformance;
mod connecting;
mod dir_blobs;
mod faults;
mod fleet;
mod limits;
mod process;
mod server;
mod traffic;
