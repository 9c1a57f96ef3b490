//! Stills of every format that is read: bytes of anybody's file may fail, and never panic, hang or take memory without bound.
#![no_main]
use framefleet_fuzz::{extension, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((extension, rest)) = extension(bytes, &["jpg", "png", "tif", "webp"]) {
        read(rest, &format!("still.{extension}"));
    }
});
