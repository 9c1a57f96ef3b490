//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod datasets;
mod mask_products;
mod overlays;
mod people;
