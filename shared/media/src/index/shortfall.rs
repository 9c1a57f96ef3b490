//! Tells files that end long before their own header says.
use crate::container::demux::{Demuxer, audio_stream};
use crate::container::timeline::scale;
use ffmpeg_next::ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE;
use std::path::Path;

/// What is missing of a video whose last frame is at `last_ns`, if much is.
pub(super) fn of(path: &Path, last_ns: i64) -> Option<String> {
    let promise = Promise::of(&Demuxer::video(path).ok()?)?;
    (last_ns < promise.duration_ns - promise.slack_ns).then(|| {
        let seconds = |ns: i64| ns as f64 / 1e9;
        format!(
            "the file is cut: its header promises {:.1} s, the last frame is at {:.1} s",
            seconds(promise.duration_ns),
            seconds(last_ns)
        )
    })
}

/// How long a header says the pictures are.
struct Promise {
    duration_ns: i64,
    /// What they may fall short of it in a whole file.
    slack_ns: i64,
}

impl Promise {
    /// What the headers promise; `None` when the length is only an estimate.
    fn of(demuxer: &Demuxer) -> Option<Self> {
        let input = demuxer.input();
        // SAFETY: a plain field of a context that is alive.
        let method = unsafe { (*input.as_ptr()).duration_estimation_method };
        if method == AVFMT_DURATION_FROM_BITRATE {
            return None;
        }
        let stream = demuxer.stream().ok()?;
        if stream.duration() > 0 {
            let duration_ns = scale(stream.duration(), demuxer.time_base().ok()?, 1_000_000_000);
            return Some(Self { duration_ns, slack_ns: 500_000_000 + duration_ns / 100 });
        }
        // The length of the longest stream: sound may well outlast the pictures.
        let duration_ns = input.duration().checked_mul(1000).filter(|&ns| ns > 0)?;
        let share = if audio_stream(input).is_some() { 20 } else { 100 };
        Some(Self { duration_ns, slack_ns: 500_000_000 + duration_ns / share })
    }
}
