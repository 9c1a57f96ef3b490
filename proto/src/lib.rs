//! The wire format: what is generated from the `.proto` files of `framefleet.v1`, and nothing else.
//!
//! Messages derive serde, so that one definition serves the bus (protobuf), the records (JSON lines) and their Parquet
//! schema; enum fields read and write as lower-case names.

pub mod kinds;
mod names;

/// `framefleet.v1`: frames, annotations, tasks, events and ledger entries.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/framefleet.v1.rs"));
}

/// `framefleet.control.v1`: the orchestrator's gRPC API.
#[cfg(feature = "control")]
#[allow(missing_docs, clippy::all)]
pub mod control {
    tonic::include_proto!("framefleet.control.v1");

    /// The bucket in which workers announce themselves: a [`Worker`] under its name.
    pub const WORKERS: &str = "workers";

    /// How long an announcement counts; workers repeat theirs several times in that.
    pub const WORKER_TTL: std::time::Duration = std::time::Duration::from_secs(5);

    /// The longest request that is taken: the files that settings name travel in it.
    pub const REQUEST_BYTES: usize = 64 << 20;

    /// The encoded description of the API, for reflection.
    pub const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/control.bin"));
}
