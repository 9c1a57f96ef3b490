//! Times of a file's packets as one line, where parts with clocks of their own were put one behind the other (recordings appended to a
//! transport stream, cameras that were started anew) or a clock was set while it ran.
//!
//! The rule is that of the `ffmpeg` program: where decoding times step back, what follows goes on where what was before ended, and the
//! same shift counts for all streams of the file. It needs the packets of the pictures from the file's start on; after a seek nothing is
//! known of the steps before.
use ffmpeg_next::{Packet, Rational};
use std::collections::BTreeMap;

/// Distance of two pictures where nothing says it, and the longest that counts as the usual one, nanoseconds.
const USUAL_NS: i64 = 40_000_000;
const LONGEST_NS: i64 = 100_000_000;

/// Steps ahead that are another clock, not a pause, nanoseconds: two hours.
const PAUSE_NS: i64 = 7_200_000_000_000;

/// Clocks that are remembered, for streams that change to the next one sooner or later than the pictures.
const KEPT: usize = 4;

/// Follows the decoding times of the pictures.
#[derive(Debug, Default)]
pub struct Steps {
    /// What was added to the times of the parts so far, nanoseconds, the last part's last; empty before any step.
    shifts: Vec<i64>,
    /// Time of the last picture, corrected.
    last_ns: Option<i64>,
    /// Distance of pictures; 0 while it is unknown.
    step_ns: i64,
    /// Where the next packet of other streams is expected.
    others: BTreeMap<usize, i64>,
}

impl Steps {
    /// Whether there was a step.
    pub fn any(&self) -> bool {
        !self.shifts.is_empty()
    }

    /// Moves the next packet of the pictures to the line.
    pub fn correct(&mut self, packet: &mut Packet, base: Rational) {
        self.note(packet, base);
        if packet.dts().is_some() {
            shift_by(packet, self.shift(), base);
        }
    }

    /// Notes the next packet of the pictures.
    pub fn note(&mut self, packet: &Packet, base: Rational) {
        let Some(dts) = packet.dts() else { return };
        let raw = ns(dts, base);
        if let Some(last) = self.last_ns {
            self.follow(raw, last);
        }
        let now = raw.saturating_add(self.shift());
        let apart = self.last_ns.map_or(0, |last| now.saturating_sub(last));
        let own = ns(packet.duration(), base);
        if let Some(step) = [own, apart].into_iter().find(|step| *step > 0) {
            self.step_ns = step.min(LONGEST_NS);
        }
        self.last_ns = Some(now);
    }

    /// Chooses the shift for a picture at `raw` that follows one at `last`: that of an earlier clock where it goes on by that, a new one where
    /// it goes on by none.
    fn follow(&mut self, raw: i64, last: i64) {
        let step = if self.step_ns > 0 { self.step_ns } else { USUAL_NS };
        let (earliest, next) = (last.saturating_sub(step / 2), last.saturating_add(step));
        let latest = next.saturating_add(step / 2);
        let now = raw.saturating_add(self.shift());
        let by_earlier = |shift: &i64| (last..=latest).contains(&raw.saturating_add(*shift));
        let shift = match self.shifts.iter().copied().find(by_earlier) {
            Some(shift) if now < earliest || now > latest => shift,
            _ if now < earliest || now.saturating_sub(last) > PAUSE_NS => next.saturating_sub(raw),
            _ => return,
        };
        if self.shifts.is_empty() {
            self.shifts.push(0);
        }
        self.shifts.retain(|known| *known != shift);
        self.shifts.push(shift);
        if self.shifts.len() > KEPT {
            self.shifts.remove(0);
        }
    }

    /// Moves a packet of another stream to the line: by the one of the pictures' shifts that lets its stream go on best.
    pub fn correct_other(&mut self, packet: &mut Packet, base: Rational) {
        let Some(dts) = packet.dts().or(packet.pts()) else { return };
        let (stream, raw) = (packet.stream(), ns(dts, base));
        let expected = self.others.get(&stream).copied();
        let off = |shift: i64| expected.map_or(0, |expected| raw.saturating_add(shift).abs_diff(expected));
        let shift = self.shifts.iter().rev().copied().min_by_key(|shift| off(*shift)).unwrap_or(0);
        let end = raw.saturating_add(shift).saturating_add(ns(packet.duration(), base).max(0));
        self.others.insert(stream, end);
        shift_by(packet, shift, base);
    }

    fn shift(&self) -> i64 {
        self.shifts.last().copied().unwrap_or(0)
    }
}

fn ns(ticks: i64, base: Rational) -> i64 {
    super::timeline::scale(ticks, base, 1_000_000_000)
}

/// Adds nanoseconds to a packet's times.
fn shift_by(packet: &mut Packet, shift_ns: i64, base: Rational) {
    if shift_ns == 0 {
        return;
    }
    let numerator = i128::from(shift_ns) * i128::from(base.denominator());
    let denominator = 1_000_000_000 * i128::from(base.numerator());
    let ticks = (2 * numerator + denominator).div_euclid(2 * denominator) as i64;
    packet.set_pts(packet.pts().map(|pts| pts.saturating_add(ticks)));
    packet.set_dts(packet.dts().map(|dts| dts.saturating_add(ticks)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Rational = Rational(1, 1000);

    /// Corrected decoding times of pictures at these.
    fn corrected(times: &[i64]) -> Vec<i64> {
        let mut steps = Steps::default();
        times.iter().map(|&dts| moved(dts, 0, |packet| steps.correct(packet, MS))).collect()
    }

    fn moved(dts: i64, stream: usize, correct: impl FnOnce(&mut Packet)) -> i64 {
        let mut packet = Packet::empty();
        packet.set_dts(Some(dts));
        packet.set_pts(Some(dts));
        packet.set_duration(40);
        packet.set_stream(stream);
        correct(&mut packet);
        packet.dts().unwrap()
    }

    #[test]
    fn a_clock_that_starts_anew_goes_on() {
        assert_eq!(corrected(&[1000, 1040, 1080, 500, 540, 580]), [1000, 1040, 1080, 1120, 1160, 1200]);
        assert_eq!(corrected(&[0, 40, 80, 0, 40, 0, 40]), [0, 40, 80, 120, 160, 200, 240], "twice");
    }

    #[test]
    fn overlapping_parts_go_on() {
        assert_eq!(corrected(&[0, 40, 80, 120, 160, 40, 80, 120]), [0, 40, 80, 120, 160, 200, 240, 280]);
    }

    #[test]
    fn pauses_are_kept_and_other_clocks_are_not() {
        assert_eq!(corrected(&[0, 40, 3_600_040, 3_600_080]), [0, 40, 3_600_040, 3_600_080]);
        assert_eq!(corrected(&[0, 40, 36_000_040, 36_000_080]), [0, 40, 80, 120]);
    }

    #[test]
    fn a_clock_that_comes_back_is_known_again() {
        assert_eq!(corrected(&[5000, 5040, 200, 240, 5160, 5200]), [5000, 5040, 5080, 5120, 5160, 5200]);
    }

    #[test]
    fn jitter_is_left_and_one_early_picture_moves_no_other() {
        assert_eq!(corrected(&[0, 40, 30, 80, 120]), [0, 40, 30, 80, 120]);
        assert_eq!(corrected(&[0, 40, 80, 10, 160, 200]), [0, 40, 80, 120, 160, 200]);
    }

    #[test]
    fn sound_follows_the_pictures_sooner_or_later() {
        let mut steps = Steps::default();
        moved(1000, 0, |packet| steps.correct(packet, MS));
        assert_eq!(moved(1000, 1, |packet| steps.correct_other(packet, MS)), 1000);
        moved(0, 0, |packet| steps.correct(packet, MS));
        assert_eq!(moved(1040, 1, |packet| steps.correct_other(packet, MS)), 1040, "still of the first part");
        assert_eq!(moved(40, 1, |packet| steps.correct_other(packet, MS)), 1080, "of the second");
    }
}
