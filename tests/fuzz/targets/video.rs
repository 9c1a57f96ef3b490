//! Videos: probe, index and decode of anybody's bytes may fail, and never panic, hang or take memory without bound.
#![no_main]
use framefleet_fuzz::{extension, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((extension, rest)) = extension(bytes, &["mp4", "mkv", "ts", "avi", "flv", "gif", "webm", "mov"]) {
        read(rest, &format!("video.{extension}"));
    }
});
