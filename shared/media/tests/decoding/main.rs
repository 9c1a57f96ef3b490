//! Footage of known truth, read through `probe`, `index` and `Decoders`.
#![cfg(test)]

mod beside;
mod changes;
mod damage;
mod fields;
mod film;
mod folders;
mod hdr;
mod interlaced;
mod numbers;
mod pixels;
mod sound;
mod sources;
mod stills;
