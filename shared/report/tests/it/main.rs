//! Tests of the crate as others use it, in one program.
#![cfg(test)]

mod browser;
mod fixture;
mod gather;
mod identities;
mod output;
mod webdriver;
