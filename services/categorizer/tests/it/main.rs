//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod categories;
mod harness;
mod photographs;
