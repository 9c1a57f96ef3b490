//! The runner on a bus in memory, with a stage and a source that do what the tests ask of them.
#![cfg(test)]

mod failures;
mod index;
mod isolation;
mod leases;
mod results;
mod rig;
mod source;
mod stage;
