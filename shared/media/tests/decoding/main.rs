//! Footage of known truth, read through `probe`, `index` and `Decoders`.
#![cfg(test)]

mod damage;
mod film;
mod interlaced;
mod numbers;
mod pixels;
mod sound;
mod sources;
