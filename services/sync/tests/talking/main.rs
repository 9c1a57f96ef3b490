//! The stage on faces that talk: real models, real speech, known truth.
#![cfg(test)]

mod absences;
mod batches;
mod files;
mod harness;
mod invariance;
mod lip_sync_model;
mod offset;
mod sound_tracks;
mod speakers;
