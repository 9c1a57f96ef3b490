//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod batches;
mod harness;
mod labelled;
mod parity;
mod published;
mod quality;
mod stage;
