//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod frames;
mod harness;
mod over_time;
