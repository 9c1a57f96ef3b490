//! How frames of a video are numbered: which decoded frame is the first, and what a timestamp means.
use ffmpeg_next::{Packet, Rational, codec, packet};

/// The timestamps of one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Timestamp of the first frame that can be decoded, ticks.
    pub origin: i64,
    /// Seconds of a tick.
    pub time_base: Rational,
    /// How frames are told apart.
    pub numbering: Numbering,
    /// Whether there is a key frame among the first packets: what comes before it was recorded in part.
    pub begins_with_key: bool,
    /// Whether there are pictures before the first that can be decoded.
    pub begins_late: bool,
    /// Whether there are closed captions within the pictures.
    pub captions: bool,
}

/// How frames are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Every shown frame is a packet with a presentation timestamp of its own: demuxing is enough to number frames.
    Timestamps,
    /// Packets say too little (raw streams, AVI with B-frames, packed or field packets): frames are counted as they are
    /// decoded from the start.
    Counted,
}

impl Timeline {
    /// Of a file that begins with its first frame, whose packets number its frames.
    pub fn of_frames(origin: i64, time_base: Rational) -> Self {
        let numbering = Numbering::Timestamps;
        Self { origin, time_base, numbering, begins_with_key: true, begins_late: false, captions: false }
    }

    /// Nanoseconds from the first frame, rounded to the nearest.
    pub fn ns(&self, ticks: i64) -> i64 {
        scale(ticks.saturating_sub(self.origin), self.time_base, 1_000_000_000)
    }

    /// The last tick that is not after `ns`.
    pub fn ticks(&self, ns: i64) -> i64 {
        let numerator = i128::from(ns) * i128::from(self.time_base.denominator());
        let denominator = 1_000_000_000 * i128::from(self.time_base.numerator());
        // Half a nanosecond is added, since `ns` was rounded.
        let ticks = (2 * numerator + i128::from(self.time_base.denominator())).div_euclid(2 * denominator);
        self.origin.saturating_add(clamp(ticks))
    }
}

/// `ticks · time_base · per_second`, rounded to the nearest.
pub fn scale(ticks: i64, time_base: Rational, per_second: i64) -> i64 {
    let numerator = i128::from(ticks) * i128::from(time_base.numerator()) * i128::from(per_second);
    let denominator = i128::from(time_base.denominator());
    clamp((2 * numerator + denominator).div_euclid(2 * denominator))
}

/// The nearest number that 64 bits hold.
fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Whether a packet makes a frame that is shown.
pub fn is_shown(codec: codec::Id, packet: &Packet) -> bool {
    let data = packet.data().unwrap_or_default();
    // SAFETY: a plain field of a packet that is alive. Edit lists mark packets that are decoded and not shown.
    let discarded = unsafe { (*packet::Ref::as_ptr(packet)).flags } & ffmpeg_next::ffi::AV_PKT_FLAG_DISCARD != 0;
    // RFC 6386 §9.1: bit 4 of the frame tag is show_frame; alternate reference frames have it clear.
    let invisible = codec == codec::Id::VP8 && data.first().is_some_and(|tag| tag & 0x10 == 0);
    !data.is_empty() && !discarded && !invisible
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticks_survive_the_way_through_nanoseconds(
            ticks in -1_000_000i64..1_000_000_000, origin in -1000i64..1000, rate in 1i32..200_000, step in 1i32..2000,
        ) {
            // Ticks shorter than a nanosecond cannot survive, nor times beyond 292 years; no container has them.
            prop_assume!((ticks - origin).unsigned_abs() as f64 * f64::from(step) / f64::from(rate) < 9.2e9);
            let timeline = Timeline::of_frames(origin, Rational::new(step, rate));
            prop_assert_eq!(timeline.ticks(timeline.ns(ticks)), ticks);
        }
    }
}
