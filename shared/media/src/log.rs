//! FFmpeg's own messages.
use ffmpeg_next::util::log::{Level, set_level};
use std::sync::Once;

/// Keeps FFmpeg from writing to stderr, once per process: every failure comes back as an error.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_level(Level::Quiet));
}
