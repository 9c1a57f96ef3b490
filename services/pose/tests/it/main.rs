//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod batches;
mod footage;
mod harness;
mod parity;
mod quality;
