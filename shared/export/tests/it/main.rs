//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod formats;
mod mask_products;
