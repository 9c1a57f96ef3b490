//! Sessions on real networks and the real runtime (`tools/onnxruntime.sh .cache/onnxruntime`).
#![allow(clippy::unwrap_used, clippy::panic)]
mod batches;
mod compiled;
mod fixture;
mod memory;
mod models;
mod runtime;
mod threads;
mod truth;
mod tuning;
mod variants;
