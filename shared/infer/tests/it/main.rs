//! Sessions on real networks and the real runtime (`tools/onnxruntime.sh .cache/onnxruntime`).
mod batches;
mod compiled;
mod fixture;
mod memory;
mod models;
mod runtime;
mod threads;
mod truth;
