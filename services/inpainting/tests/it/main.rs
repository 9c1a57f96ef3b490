//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod choices;
mod exact;
mod harness;
mod invariance;
mod lama;
mod truth;
