//! The bus over NATS JetStream, and blobs in a mapped folder: the only crate that knows NATS.
//!
//! [`NatsBus`] keeps tasks in one work-queue stream with a durable consumer per queue, events in a second stream, and small
//! values in key-value buckets. [`DirBlobs`] keeps blobs in a folder that several processes share. [`NatsServer`] runs a
//! server of one's own.

mod bus;
mod connect;
mod dir_blobs;
mod events;
mod inbox;
mod kv;
mod lease;
mod link;
mod names;
mod options;
mod publish;
mod pull;
mod server;
mod streams;

pub use bus::NatsBus;
pub use dir_blobs::DirBlobs;
pub use options::{Credentials, NatsOptions, Tls};
pub use server::{NatsServer, ServerError, ServerOptions};
