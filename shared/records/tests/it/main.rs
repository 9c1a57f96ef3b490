//! Tests of what is derived from a ledger, on made-up tasks with known results.
#![cfg(test)]

mod coco;
mod completion;
mod crash;
mod folders;
mod manifests;
mod orders;
mod records;
mod stills;
mod subjects;
mod verification;
