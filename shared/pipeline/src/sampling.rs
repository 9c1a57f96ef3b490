//! Which frames a step does.
use crate::PlanError;
use framefleet_frames::FrameRange;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// How much earlier than its mark a frame of `N/s` may lie, nanoseconds: containers round times, Matroska to milliseconds.
const ROUNDING_NS: i64 = 500_000;

/// Seconds that a shot of a film lasts, about: as long as nobody has counted them.
const SHOT_SECONDS: f64 = 5.0;

/// The `frames` setting of a step. Numbers are those of the whole item, so sampling does not move with `--start`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sampling {
    /// Every frame.
    #[default]
    All,
    /// Frames 0, n, 2n, …
    Every(u64),
    /// The first frame at or after every 1/n second: `n` per second of presentation time. Half a millisecond is forgiven.
    PerSecond(f64),
    /// `n` frames of every shot, evenly spread, each in the middle of its share. Needs shots.
    PerShot(u64),
}

impl Sampling {
    /// The sampled frames of `range`, ascending. Whether a frame is sampled depends on the frame alone, so the answer is the
    /// same however an item is cut.
    ///
    /// `pts_ns` gives the presentation time of a frame, nanoseconds from the item's first frame; it is asked for the frames
    /// of the range and the one before it, and only by `N/s`. A frame without a time is left out. `shots` are those of the
    /// item, all of them; only `per-shot N` looks at them.
    pub fn sampled_frames(
        &self,
        range: &FrameRange,
        pts_ns: &dyn Fn(u64) -> Option<i64>,
        shots: &[FrameRange],
    ) -> Vec<u64> {
        match *self {
            Self::All => (range.start..range.end).collect(),
            Self::Every(n) => multiples(range, n.max(1)),
            Self::PerSecond(rate) => {
                (range.start..range.end).filter(|&frame| passes_mark(frame, rate, pts_ns)).collect()
            }
            Self::PerShot(n) => {
                shots.iter().flat_map(|shot| spread(shot, n, range)).collect::<BTreeSet<_>>().into_iter().collect()
            }
        }
    }

    /// About how many frames of a range it chooses, before their times and shots are known: at `rate` frames a second, and with a shot
    /// every [`SHOT_SECONDS`]. Exact for `all` and `every N`.
    pub fn about(&self, range: &FrameRange, rate: Option<f64>) -> u64 {
        let frames = range.end.saturating_sub(range.start);
        let chosen = match (*self, rate) {
            (Self::Every(n), _) => range.end.div_ceil(n.max(1)).saturating_sub(range.start.div_ceil(n.max(1))),
            (Self::PerSecond(wanted), Some(rate)) => (frames as f64 / rate * wanted).ceil() as u64,
            (Self::PerShot(n), Some(rate)) => (frames as f64 / rate / SHOT_SECONDS).ceil() as u64 * n,
            (Self::All | Self::PerSecond(_) | Self::PerShot(_), _) => frames,
        };
        chosen.min(frames)
    }

    /// The most frames that a step of this sampling looks at among `length` consecutive ones, when it looks at `around`
    /// frames (itself included) for each: exact for `all` and `every N`, all of them where time or shots decide.
    pub fn most_of(&self, length: u64, around: u64) -> u64 {
        match *self {
            Self::Every(n) => {
                let n = n.max(1);
                (length / n).saturating_mul(around.min(n)) + around.min(length % n)
            }
            _ => length,
        }
    }
}

/// Multiples of `n` in a range.
fn multiples(range: &FrameRange, n: u64) -> Vec<u64> {
    let first = range.start.div_ceil(n).checked_mul(n);
    std::iter::successors(first, |frame| frame.checked_add(n)).take_while(|frame| *frame < range.end).collect()
}

/// Whether a multiple of 1/rate second lies after the frame before and not after this one.
fn passes_mark(frame: u64, rate: f64, pts_ns: &dyn Fn(u64) -> Option<i64>) -> bool {
    let marks = |frame| pts_ns(frame).map(|time| (time.saturating_add(ROUNDING_NS) as f64 * rate / 1e9).floor());
    match (frame, marks(frame)) {
        (_, None) => false,
        (0, Some(_)) => true,
        (_, Some(now)) => marks(frame - 1).is_none_or(|before| now > before),
    }
}

/// The middles of `n` equal shares of a shot that lie in `range`; all frames of a shot that has no more than `n`.
fn spread(shot: &FrameRange, n: u64, range: &FrameRange) -> Vec<u64> {
    let length = shot.end.saturating_sub(shot.start);
    let shares = n.min(length);
    let middle =
        |share: u64| shot.start + ((2 * u128::from(share) + 1) * u128::from(length) / (2 * u128::from(shares))) as u64;
    (0..shares).map(middle).filter(|frame| (range.start..range.end).contains(frame)).collect()
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Every(n) => write!(f, "every {n}"),
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::PerShot(n) => write!(f, "per-shot {n}"),
        }
    }
}

impl FromStr for Sampling {
    type Err = PlanError;

    /// Reads `all`, `every N`, `N/s` or `per-shot N`; counts are 1 or more, rates more than 0.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let parsed = match text.trim().split_once([' ', '/']) {
            None if text.trim() == "all" => Some(Self::All),
            Some(("every", n)) => count(n).map(Self::Every),
            Some(("per-shot", n)) => count(n).map(Self::PerShot),
            Some((rate, "s")) => {
                rate.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0).map(Self::PerSecond)
            }
            _ => None,
        };
        parsed.ok_or_else(|| PlanError::Value {
            text: text.to_owned(),
            what: "choice of frames",
            expected: "\"all\", \"every N\", \"N/s\" or \"per-shot N\", with N above 0",
        })
    }
}

/// A number of frames, at least one.
fn count(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|n| *n > 0)
}

impl Serialize for Sampling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sampling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(start: u64, end: u64) -> FrameRange {
        FrameRange { start, end }
    }

    /// Frame times at a rate, rounded to milliseconds as Matroska does.
    fn at_rate(rate: f64) -> impl Fn(u64) -> Option<i64> {
        move |frame| Some((frame as f64 * 1000.0 / rate).round() as i64 * 1_000_000)
    }

    fn sampling() -> impl Strategy<Value = Sampling> {
        prop_oneof![
            Just(Sampling::All),
            (1u64..40).prop_map(Sampling::Every),
            (1u32..4000).prop_map(|n| Sampling::PerSecond(f64::from(n) / 100.0)),
            (1u64..6).prop_map(Sampling::PerShot),
        ]
    }

    #[test]
    fn every_counts_from_frame_zero() {
        assert_eq!(Sampling::Every(7).sampled_frames(&frames(10, 30), &|_| None, &[]), [14, 21, 28]);
        assert_eq!(Sampling::Every(7).sampled_frames(&frames(0, 1), &|_| None, &[]), [0]);
        assert!(Sampling::Every(u64::MAX).sampled_frames(&frames(1, 100), &|_| None, &[]).is_empty());
    }

    #[test]
    fn a_rate_follows_presentation_time() {
        let all =
            |rate: f64, fps: f64, end| Sampling::PerSecond(rate).sampled_frames(&frames(0, end), &at_rate(fps), &[]);
        assert_eq!(all(3.0, 30.0, 40), [0, 10, 20, 30], "times rounded to milliseconds still hit their marks");
        assert_eq!(all(2.0, 25.0, 40), [0, 13, 25, 38]);
        assert_eq!(all(0.5, 10.0, 41), [0, 20, 40]);
        assert_eq!(all(100.0, 25.0, 5), [0, 1, 2, 3, 4], "no more than there are");
        let gap = |frame: u64| Some(if frame < 5 { frame as i64 * 40_000_000 } else { 10_000_000_000 });
        assert_eq!(
            Sampling::PerSecond(1.0).sampled_frames(&frames(0, 6), &gap, &[]),
            [0, 5],
            "one frame for all marks in a gap"
        );
    }

    #[test]
    fn estimates_follow_the_rate() {
        let about = |text: &str, rate| text.parse::<Sampling>().unwrap().about(&frames(0, 250), rate);
        assert_eq!(about("all", Some(25.0)), 250);
        assert_eq!(about("every 7", None), 36);
        assert_eq!(about("2/s", Some(25.0)), 20);
        assert_eq!(about("100/s", Some(25.0)), 250, "no more than there are");
        assert_eq!(about("2/s", None), 250, "stills have no rate");
        assert_eq!(about("per-shot 3", Some(25.0)), 6);
        assert_eq!(Sampling::Every(10).about(&frames(31, 64), None), 3, "frames 40, 50 and 60");
    }

    #[test]
    fn shots_give_the_middles_of_equal_shares() {
        let shots = [frames(0, 10), frames(10, 12), frames(12, 112)];
        let picked = |n| Sampling::PerShot(n).sampled_frames(&frames(0, 112), &|_| None, &shots);
        assert_eq!(picked(1), [5, 11, 62]);
        assert_eq!(picked(4), [1, 3, 6, 8, 10, 11, 24, 49, 74, 99]);
    }

    #[test]
    fn texts_that_are_no_sampling_say_what_is() {
        for text in [
            "",
            "every",
            "every 0",
            "every -1",
            "0/s",
            "nan/s",
            "inf/s",
            "-2/s",
            "per-shot 0",
            "some",
            "every 2 s",
            "5/m",
        ] {
            let error = text.parse::<Sampling>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{text}\"")) && error.contains("per-shot N"), "{error}");
        }
        assert_eq!("2.5/s".parse(), Ok(Sampling::PerSecond(2.5)));
    }

    proptest! {
        /// A range's frames are the item's frames in that range: `--start` and batch borders change nothing.
        #[test]
        fn cutting_changes_nothing(
            sampling in sampling(), cuts in proptest::collection::btree_set(0u64..200, 1..8), fps in 5.0f64..60.0,
            shot in 1u64..50,
        ) {
            let shots: Vec<_> = (0..200).step_by(shot as usize).map(|start| frames(start, (start + shot).min(200))).collect();
            let whole = sampling.sampled_frames(&frames(0, 200), &at_rate(fps), &shots);
            let borders: Vec<_> = cuts.into_iter().collect();
            for pair in borders.windows(2) {
                let part = frames(pair[0], pair[1]);
                // Times are asked for no frame but those of the range and the one before it.
                let times = |frame: u64| (part.start.saturating_sub(1)..part.end).contains(&frame).then(|| at_rate(fps)(frame))?;
                let expected: Vec<_> = whole.iter().copied().filter(|f| (part.start..part.end).contains(f)).collect();
                prop_assert_eq!(sampling.sampled_frames(&part, &times, &shots), expected);
            }
        }

        #[test]
        fn texts_come_back(sampling in sampling()) {
            prop_assert_eq!(sampling.to_string().parse(), Ok(sampling));
        }

        /// No stretch of an item has more sampled frames with their halos than `most_of` says, and some stretch has as many.
        #[test]
        fn the_most_is_exact(n in 1u64..12, before in 0u64..6, after in 0u64..6, length in 1u64..40) {
            let seen = |frame: u64| (frame.saturating_sub(after)..=frame + before).any(|sampled| sampled.is_multiple_of(n));
            let most = (50..50 + n).map(|start| (start..start + length).filter(|f| seen(*f)).count() as u64).max();
            prop_assert_eq!(most, Some(Sampling::Every(n).most_of(length, before + 1 + after)));
        }
    }
}
