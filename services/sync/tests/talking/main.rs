//! The stage on faces that talk: real models, real speech, known truth.
#![cfg(test)]

mod absences;
mod files;
mod harness;
mod invariance;
mod network;
mod offset;
mod speakers;
