//! Tests of the whole: crates that fit together, jobs in one process, the program on real footage.
#![cfg(test)]

mod adding_a_stage;
mod album;
mod bad_input;
mod bench;
mod categories;

mod command_line;
mod computation;
mod deployment;
mod doctor;
mod documents;
mod encodings;
mod export;
mod faces;
#[path = "../fleet/mod.rs"]
mod fleet;
mod footage;
mod halves;
mod interruption;
mod layers;
mod left_out;
mod made_frames;
mod memory;
mod models;
mod named_files;
mod names;
mod photographs;
mod precision;
mod presentation;
#[path = "../processes/mod.rs"]
mod processes;
mod program;
mod progress;
mod restart;
mod scheduling;
mod services;
mod side_inputs;
#[path = "../soak/mod.rs"]
mod soak;
mod sound;
mod step_models;
mod stills;
mod subjects;
mod too_large;
mod video;
