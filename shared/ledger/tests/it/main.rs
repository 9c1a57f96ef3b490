//! Tests of the ledger as a whole, on made-up tasks with known results.
#![cfg(test)]

mod documents;
mod folders;
mod leases;
mod manifests;
mod orders;
mod scale;
