//! Parity with transformers on fixed random weights (`tools/parity` made the fixtures), and the tensors of published files.
#![cfg(test)]

mod harness;
mod pictures;
mod signatures;
mod tokens;
mod towers;
