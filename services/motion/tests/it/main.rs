//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod flow;
mod harness;
mod invariance;
mod shots;
