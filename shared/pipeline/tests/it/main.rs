//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod fake;
mod files;
mod graphs;
mod plans;
mod refusals;
