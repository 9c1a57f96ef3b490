//! Tests of the ledger as a whole, on made-up tasks with known results.
mod coco;
mod crash;
mod documents;
mod faulty;
mod fixture;
mod folders;
mod leases;
mod manifests;
mod orders;
mod records;
mod scale;
mod stills;
mod verification;
