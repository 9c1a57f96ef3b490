//! Footage of known truth, read through `probe`, `index` and `Decoders`.
#![cfg(test)]

mod changes;
mod crops;
mod damage;
mod fields;
mod film;
mod folders;
mod hdr;
mod interlaced;
mod joined;
mod kinds;
mod matrix;
mod mutations;
mod numbers;
mod pixels;
mod sequences;
mod several;
mod side_digests;
mod sound;
mod sources;
mod stills;
mod streams;
mod times;
