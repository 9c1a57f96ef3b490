//! The One-Euro filter (Casiez et al. 2012), run forwards and backwards and averaged: finish knows what comes, so smoothing needs no
//! lag.

/// How it smooths.
#[derive(Clone, Copy, Debug)]
pub struct OneEuro {
    /// Cut-off at rest, Hz.
    pub cutoff: f64,
    /// Rise of the cut-off with speed, Hz per (unit of the values per second).
    pub beta: f64,
}

/// Cut-off of the speed's own filter, Hz.
const SPEED_CUTOFF: f64 = 1.0;

impl OneEuro {
    /// The smoothed values. `times` are seconds, ascending, as many as values.
    pub fn smooth(self, times: &[f64], values: &[f64]) -> Vec<f64> {
        let forwards = self.pass(times.iter().copied(), values.iter().copied());
        let mut backwards = self.pass(times.iter().rev().map(|time| -time), values.iter().rev().copied());
        backwards.reverse();
        forwards.iter().zip(&backwards).map(|(a, b)| (a + b) / 2.0).collect()
    }

    fn pass(self, times: impl Iterator<Item = f64>, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut state: Option<(f64, f64, f64, f64)> = None;
        let step = |(time, value): (f64, f64)| {
            let (smoothed, speed) = match state {
                Some((then, raw, smoothed, speed)) if time > then => {
                    let elapsed = time - then;
                    let share = weight(SPEED_CUTOFF, elapsed);
                    let speed = share * (value - raw) / elapsed + (1.0 - share) * speed;
                    let share = weight(self.cutoff + self.beta * speed.abs(), elapsed);
                    (share * value + (1.0 - share) * smoothed, speed)
                }
                Some((_, _, smoothed, speed)) => (smoothed, speed),
                None => (value, 0.0),
            };
            state = Some((time, value, smoothed, speed));
            smoothed
        };
        times.zip(values).map(step).collect()
    }
}

/// The share of a new value in a low-pass filter.
fn weight(cutoff: f64, elapsed: f64) -> f64 {
    let time = 1.0 / (std::f64::consts::TAU * cutoff);
    1.0 / (1.0 + time / elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTER: OneEuro = OneEuro { cutoff: 2.0, beta: 6.0 };

    /// Mean |second difference|: how much values tremble.
    fn trembling(values: &[f64]) -> f64 {
        let steps = values.windows(3).map(|three| (three[0] - 2.0 * three[1] + three[2]).abs());
        steps.sum::<f64>() / (values.len() - 2) as f64
    }

    /// Noise that is the same every time, −0.5..0.5.
    fn noise(n: usize) -> f64 {
        (((n as u64).wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407) >> 33) % 1000) as f64 / 1000.0
            - 0.5
    }

    fn walk(n: usize) -> f64 {
        0.2 * (n as f64 / 30.0 * std::f64::consts::TAU * 0.8).sin() + 0.3 * n as f64 / 30.0
    }

    /// The shift, in frames, at which the smoothed values are closest to the truth.
    fn lag(truth: &[f64], smoothed: &[f64]) -> isize {
        let error = |shift: isize| -> f64 {
            (20..truth.len() as isize - 20).map(|n| (smoothed[n as usize] - truth[(n - shift) as usize]).powi(2)).sum()
        };
        (-10..=10).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap()
    }

    #[test]
    fn it_trembles_less_and_comes_no_later() {
        let times: Vec<f64> = (0..300).map(|n| n as f64 / 30.0).collect();
        let truth: Vec<f64> = (0..300).map(walk).collect();
        let raw: Vec<f64> = (0..300).map(|n| walk(n) + 0.02 * noise(n)).collect();
        let smoothed = FILTER.smooth(&times, &raw);
        assert_eq!(lag(&truth, &smoothed), 0);
        let (before, after) = (trembling(&raw), trembling(&smoothed));
        assert!(after < 0.65 * before, "{before} {after}");
        let error = |values: &[f64]| truth.iter().zip(values).map(|(a, b)| (a - b).abs()).sum::<f64>();
        assert!(error(&smoothed) < error(&raw), "{} {}", error(&smoothed), error(&raw));
    }

    #[test]
    fn one_direction_alone_would_lag() {
        let times: Vec<f64> = (0..300).map(|n| n as f64 / 30.0).collect();
        let truth: Vec<f64> = (0..300).map(walk).collect();
        let forwards = FILTER.pass(times.into_iter(), truth.iter().copied());
        assert!(lag(&truth, &forwards) > 0);
    }

    #[test]
    fn what_rests_stays_and_short_series_are_left_alone() {
        assert_eq!(FILTER.smooth(&[0.0, 0.1, 0.2], &[5.0; 3]), [5.0; 3]);
        assert_eq!(FILTER.smooth(&[1.0], &[2.0]), [2.0]);
        assert_eq!(FILTER.smooth(&[1.0, 1.0], &[2.0, 3.0]).len(), 2);
    }
}
