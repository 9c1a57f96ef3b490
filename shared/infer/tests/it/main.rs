//! Sessions on real models and the real runtime (`tools/onnxruntime.sh .cache/onnxruntime`).
#![cfg(test)]
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
