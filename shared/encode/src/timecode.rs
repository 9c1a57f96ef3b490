//! Time codes: what a camera or an edit called the first frame, for films that may begin at a later one.
use ffmpeg_next::{self as ffmpeg, Rescale, ffi, format::context::Input};
use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;

/// Where FFmpeg keeps it: in the metadata of the video, of a track of its own, or of the file.
pub(super) const TAG: &str = "timecode";
/// QuickTime's tracks of time codes.
const TRACK: u32 = u32::from_le_bytes(*b"tmcd");
const NANOSECOND: ffmpeg::Rational = ffmpeg::Rational(1, 1_000_000_000);

/// Whether a stream is a track of time codes.
pub(super) fn is_track(stream: &ffmpeg::Stream<'_>) -> bool {
    // SAFETY: the stream has parameters.
    unsafe { (*(*stream.as_ptr()).codecpar).codec_tag == TRACK }
}

/// The time code of the source's first frame.
pub(super) fn of(input: &Input, video: Option<usize>) -> Option<String> {
    let of_stream = |stream: ffmpeg::Stream<'_>| stream.metadata().get(TAG).map(str::to_owned);
    let of_video = video.and_then(|index| input.stream(index)).and_then(of_stream);
    of_video
        .or_else(|| input.streams().filter(is_track).find_map(of_stream))
        .or_else(|| input.metadata().get(TAG).map(str::to_owned))
}

/// The time code of the frame so much later, counted as SMPTE 12M does at this rate, frames dropped or not; `None` where it is none of that rate.
pub(super) fn later(code: &str, rate: ffmpeg::Rational, later_ns: i64) -> Option<String> {
    let frames = i32::try_from(later_ns.rescale(NANOSECOND, rate.invert())).ok()?;
    let code = CString::new(code).ok()?;
    let mut timecode = MaybeUninit::<ffi::AVTimecode>::zeroed();
    let mut text = [0 as c_char; ffi::AV_TIMECODE_STR_SIZE as usize];
    // SAFETY: it is plain numbers, zero is valid for it, and the text has the length that the function may write.
    unsafe {
        let began =
            ffi::av_timecode_init_from_string(timecode.as_mut_ptr(), rate.into(), code.as_ptr(), std::ptr::null_mut());
        if began < 0 {
            return None;
        }
        ffi::av_timecode_make_string(timecode.as_ptr(), text.as_mut_ptr(), frames);
        CStr::from_ptr(text.as_ptr()).to_str().ok().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_as_the_rate_has_them() {
        let code = |code: &str, rate: (i32, i32), seconds: i64| later(code, rate.into(), seconds * 1_000_000_000);
        assert_eq!(code("01:00:00:10", (25, 1), 0).as_deref(), Some("01:00:00:10"));
        assert_eq!(code("01:00:59:24", (25, 1), 2).as_deref(), Some("01:01:01:24"));
        // Numbers 0 and 1 of every minute but the tenth are dropped.
        assert_eq!(code("00:00:59;29", (30_000, 1001), 0).as_deref(), Some("00:00:59;29"));
        assert_eq!(code("00:00:30;00", (30_000, 1001), 30).as_deref(), Some("00:00:59;29"));
        assert_eq!(code("00:00:31;00", (30_000, 1001), 30).as_deref(), Some("00:01:01;01"));
        assert_eq!(code("10:00:00:00", (0, 1), 0), None, "no rate");
        assert_eq!(code("10:00:00;00", (25, 1), 0), None, "nothing is dropped at 25 frames a second");
        assert_eq!(code("noon", (25, 1), 0), None);
    }
}
