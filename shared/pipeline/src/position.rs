//! Where a job starts and ends inside its items.
use crate::PlanError;
use framefleet_frames::FrameRange;
use framefleet_frames::times::Times;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A place in an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// A frame number.
    Frame(u64),
    /// A time from the item's first frame, nanoseconds.
    TimeNs(i64),
}

/// The part of every item that is done: from `start` (0) up to and without `end` (the item's end).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobRange {
    /// First frame.
    pub start: Option<Position>,
    /// Frame after the last.
    pub end: Option<Position>,
}

impl JobRange {
    /// The frames of a batch that the job does: from the first at or after `start` to before the first at or after `end`.
    /// Empty ranges are `start..start` of the batch.
    pub fn cut(&self, start: u64, times: &Times) -> FrameRange {
        if self.start.is_none() && self.end.is_none() {
            return FrameRange { start, end: start + times.len() as u64 };
        }
        let inside = |index: &usize| {
            let reached =
                |position: Position| position.reached(start + *index as u64, times.get(*index).unwrap_or_default());
            self.start.is_none_or(reached) && !self.end.is_some_and(reached)
        };
        let first = (0..times.len()).find(inside);
        let last = (0..times.len()).rev().find(inside);
        match (first, last) {
            (Some(first), Some(last)) => FrameRange { start: start + first as u64, end: start + last as u64 + 1 },
            _ => FrameRange { start, end: start },
        }
    }

    /// About which of an item's frames the job does, before their times are known: `frames` that follow each other at `rate` per
    /// second (without a rate, times say nothing).
    pub fn about(&self, frames: u64, rate: Option<f64>) -> FrameRange {
        let frame = |position: Position| match (position, rate) {
            (Position::Frame(number), _) => Some(number),
            (Position::TimeNs(time), Some(rate)) => Some((time as f64 / 1e9 * rate).ceil().max(0.0) as u64),
            (Position::TimeNs(_), None) => None,
        };
        let end = self.end.and_then(frame).unwrap_or(frames).min(frames);
        FrameRange { start: self.start.and_then(frame).unwrap_or(0).min(end), end }
    }

    /// Refuses ranges that hold no frame of any item. Frame numbers and times cannot be compared before footage is read.
    pub(crate) fn check(&self) -> Result<(), PlanError> {
        let (Some(start), Some(end)) = (self.start, self.end) else { return Ok(()) };
        let backwards = match (start, end) {
            (Position::Frame(start), Position::Frame(end)) => start >= end,
            (Position::TimeNs(start), Position::TimeNs(end)) => start >= end,
            _ => false,
        };
        match backwards {
            true => Err(PlanError::Range { start: start.to_string(), end: end.to_string() }),
            false => Ok(()),
        }
    }
}

impl Position {
    /// Whether a frame lies at or after this place.
    pub fn reached(&self, frame: u64, pts_ns: i64) -> bool {
        match *self {
            Self::Frame(number) => frame >= number,
            Self::TimeNs(time) => pts_ns >= time,
        }
    }
}

impl fmt::Display for Position {
    /// As it can be read again: `120`, `12.5s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Frame(number) => write!(f, "{number}"),
            Self::TimeNs(time) => {
                let digits = format!("{}.{:09}", time / 1_000_000_000, time % 1_000_000_000);
                write!(f, "{}s", digits.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl FromStr for Position {
    type Err = PlanError;

    /// Reads a frame number (`120`) or a time: `12.5s`, `1h2m3s`, `1m30s`, `250ms`, `00:01:02.5`, `1:02`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let text = text.trim();
        let frame = || number(text, 0).map(Self::Frame);
        let time = || clock(text).or_else(|| units(text)).and_then(|ns| i64::try_from(ns).ok()).map(Self::TimeNs);
        frame().or_else(time).ok_or_else(|| PlanError::Value {
            text: text.to_owned(),
            what: "place in an item",
            expected: "a frame number (120) or a time (12.5s, 1m30s, 00:01:02.5)",
        })
    }
}

/// A decimal number in units of 10^-`places`; further digits are dropped. Digits only: no sign, no exponent.
fn number(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if places > 0 && !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(places).collect();
    format!("{whole}{kept}").parse().ok()
}

/// Nanoseconds of `[H:]M:S[.fraction]`.
fn clock(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (seconds, larger) = parts.split_last()?;
    if larger.is_empty() || larger.len() > 2 {
        return None;
    }
    let minutes = larger.iter().try_fold(0u64, |sum, part| sum.checked_mul(60)?.checked_add(number(part, 0)?))?;
    minutes.checked_mul(60_000_000_000)?.checked_add(number(seconds, 9)?)
}

/// Nanoseconds of numbers with units, largest first, each at most once: `1h2m3.5s`.
fn units(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0u64;
    for (unit, places, scale) in [("h", 9, 3600), ("m", 9, 60), ("s", 9, 1), ("ms", 6, 1)] {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (value, after) = rest.split_at(length);
        let name = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        if &after[..name] == unit {
            sum = sum.checked_add(number(value, places)?.checked_mul(scale)?)?;
            rest = &after[name..];
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Position {
        text.parse().unwrap()
    }

    #[test]
    fn before_times_are_known_the_rate_says_about_which_frames() {
        let about = |start: &str, end: &str, rate| {
            let position = |text: &str| (!text.is_empty()).then(|| at(text));
            let range = JobRange { start: position(start), end: position(end) }.about(1000, rate);
            (range.start, range.end)
        };
        assert_eq!(about("", "", None), (0, 1000));
        assert_eq!(about("", "10s", Some(25.0)), (0, 250));
        assert_eq!(about("2s", "100", Some(25.0)), (50, 100));
        assert_eq!(about("", "10s", None), (0, 1000), "stills have no times");
        assert_eq!(about("90s", "", Some(25.0)), (1000, 1000), "nothing is left behind the end");
    }

    #[test]
    fn frames_and_times_are_read() {
        assert_eq!(at("120"), Position::Frame(120));
        assert_eq!(at("12.5s"), Position::TimeNs(12_500_000_000));
        assert_eq!(at("1m30s"), Position::TimeNs(90_000_000_000));
        assert_eq!(at("1h2m3.25s"), Position::TimeNs(3_723_250_000_000));
        assert_eq!(at("250ms"), Position::TimeNs(250_000_000));
        assert_eq!(at("2m"), Position::TimeNs(120_000_000_000));
        assert_eq!(at("00:01:02.5"), Position::TimeNs(62_500_000_000));
        assert_eq!(at("1:02"), Position::TimeNs(62_000_000_000));
        assert_eq!(at("0.033366700s"), Position::TimeNs(33_366_700));
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        let bad = [
            "",
            "-1",
            "1.5",
            "s",
            "1x",
            "30s1m",
            "1s1s",
            "1:2:3:4",
            ":",
            "1:",
            "1.s",
            "99999999999999999999",
            "1e3s",
            "1h 2m",
        ];
        for text in bad {
            let error = text.parse::<Position>().unwrap_err().to_string();
            assert!(error.contains("1m30s"), "{text}: {error}");
        }
    }

    #[test]
    fn a_batch_is_cut_at_frames_and_times() {
        let times = Times::new(&(32..64).map(|f| f * 40_000_000).collect::<Vec<_>>());
        let cut = |start: Option<&str>, end: Option<&str>| {
            let range = JobRange { start: start.map(at), end: end.map(at) }.cut(32, &times);
            (range.start, range.end)
        };
        assert_eq!(cut(None, None), (32, 64));
        assert_eq!(cut(Some("40"), Some("50")), (40, 50));
        assert_eq!(cut(Some("1.59s"), Some("2s")), (40, 50), "40 is the first frame at or after 1.59 s");
        assert_eq!(cut(Some("64"), None), (32, 32));
        assert_eq!(cut(None, Some("32")), (32, 32));
        assert_eq!(cut(Some("10"), Some("1000")), (32, 64));
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_refused() {
        let range = JobRange { start: Some(at("10s")), end: Some(at("9.5s")) };
        assert_eq!(range.check().unwrap_err().to_string(), "the job ends (9.5s) before it starts (10s)");
        assert!(JobRange { start: Some(at("7")), end: Some(at("7")) }.check().is_err());
        assert!(JobRange { start: Some(at("7")), end: Some(at("1s")) }.check().is_ok());
    }

    proptest! {
        #[test]
        fn texts_come_back(ns in 0i64..i64::MAX, frame: u64) {
            for position in [Position::TimeNs(ns), Position::Frame(frame)] {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }

        /// Cuts of neighbouring batches meet: together they are one run of frames.
        #[test]
        fn batches_tile_the_range(start in 0u64..100, length in 1u64..100, size in 1u64..40) {
            let range = JobRange { start: Some(Position::Frame(start)), end: Some(Position::Frame(start + length)) };
            let cuts = (0..200).step_by(size as usize).map(|first| {
                let pts_ns: Vec<i64> = (first as i64..(first + size) as i64).collect();
                range.cut(first, &Times::new(&pts_ns))
            });
            let frames: Vec<u64> = cuts.flat_map(|cut| cut.start..cut.end).collect();
            prop_assert_eq!(frames, (start..start + length).collect::<Vec<_>>());
        }
    }
}
