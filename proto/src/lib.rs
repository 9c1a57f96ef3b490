//! The wire format: what is generated from the `.proto` files of `framefleet.v1`, and nothing else.
//!
//! Messages derive serde, so that one definition serves the bus (protobuf), the records (JSON lines) and their Parquet
//! schema; enum fields read and write as lower-case names.

mod names;

/// `framefleet.v1`: frames, annotations, tasks, events and ledger entries.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/framefleet.v1.rs"));
}
