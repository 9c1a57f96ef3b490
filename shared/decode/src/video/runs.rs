//! Frames that have one time (containers with coarse ticks, cameras that repeat a time) lie evenly between it and the next one.
use framefleet_demux::timeline::Timeline;

/// Frames of one time that are held until the next time is known; of more, each lasts as long as frames usually do.
const HELD: usize = 64;

/// Gives frames, in the order they are shown, their times in nanoseconds from the first.
pub struct Runs<T> {
    timeline: Timeline,
    /// Nanoseconds from frame to frame where times do not say.
    step: i64,
    /// Time of the frames that are held.
    begin: Option<i64>,
    held: Vec<T>,
    /// Distance of the frames of the last run of several.
    share: Option<i64>,
    repeated: bool,
}

impl<T> Runs<T> {
    /// `step`: nanoseconds from frame to frame where times do not say.
    pub fn new(timeline: Timeline, step: i64) -> Self {
        Self { timeline, step: step.max(1), begin: None, held: Vec::new(), share: None, repeated: false }
    }

    /// Whether frames had no time, or that of another one.
    pub fn repeated(&self) -> bool {
        self.repeated
    }

    /// Adds the next frame and its timestamp, if it has one; what is settled goes to `settled`, with its time.
    pub fn push(&mut self, ticks: Option<i64>, frame: T, settled: &mut impl Extend<(i64, T)>) {
        let own = ticks.map(|ticks| self.timeline.ns(ticks));
        let goes_on = match (own, self.begin) {
            (Some(own), Some(begin)) => own > begin,
            (own, None) => {
                // The first one is the beginning, whatever it says.
                self.begin = Some(own.unwrap_or(0));
                self.held.push(frame);
                return;
            }
            (None, Some(_)) => false,
        };
        match own {
            Some(own) if goes_on => {
                self.settle(own, settled);
                self.begin = Some(own);
            }
            None => {
                self.repeated = true;
                self.settle_by_step(self.step, settled);
            }
            Some(_) => {
                self.repeated = true;
                if self.held.len() >= HELD {
                    self.settle_by_step(self.step, settled);
                }
            }
        }
        self.held.push(frame);
    }

    /// What is left: nothing follows.
    pub fn end(&mut self, settled: &mut impl Extend<(i64, T)>) {
        self.settle_by_step(self.share.unwrap_or(self.step), settled);
    }

    /// The frames that are held, before one at `next`.
    fn settle(&mut self, next: i64, settled: &mut impl Extend<(i64, T)>) {
        let Some(begin) = self.begin else { return };
        let count = self.held.len().max(1) as i64;
        let step = (next.saturating_sub(begin) / count).clamp(1, self.step);
        if count > 1 {
            self.share = Some(step);
        }
        settled.extend((0..).map(|number: i64| begin.saturating_add(number * step)).zip(self.held.drain(..)));
    }

    /// The same where the next time is not known; the frame to come is a step later.
    fn settle_by_step(&mut self, step: i64, settled: &mut impl Extend<(i64, T)>) {
        let Some(begin) = self.begin else { return };
        let end = begin.saturating_add(step.saturating_mul(self.held.len() as i64));
        self.settle(end, settled);
        self.begin = Some(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg_next::Rational;

    /// Times in milliseconds of frames at these timestamps, 40 ms apart by the header.
    fn times(ticks: &[Option<i64>]) -> Vec<f64> {
        let timeline = Timeline::of_frames(ticks.first().copied().flatten().unwrap_or(0), Rational(1, 1000));
        let (mut runs, mut settled) = (Runs::new(timeline, 40_000_000), Vec::new());
        for (frame, ticks) in ticks.iter().enumerate() {
            runs.push(*ticks, frame, &mut settled);
        }
        runs.end(&mut settled);
        assert!(settled.iter().map(|(_, frame)| *frame).eq(0..ticks.len()), "{settled:?}");
        settled.iter().map(|(ns, _)| *ns as f64 / 1e6).collect()
    }

    #[test]
    fn a_repeated_time_is_filled_up_to_the_next() {
        assert_eq!(times(&[0, 40, 40, 120, 160].map(Some)), [0.0, 40.0, 80.0, 120.0, 160.0]);
        assert_eq!(times(&[7, 7, 8, 8, 9, 9].map(Some)), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        assert_eq!(times(&[0, 0, 3000].map(Some)), [0.0, 40.0, 3000.0], "no slower than frames usually are");
    }

    #[test]
    fn times_that_step_back_or_are_missing_go_on() {
        assert_eq!(times(&[0, 40, 20, 120].map(Some)), [0.0, 40.0, 80.0, 120.0]);
        assert_eq!(times(&[None, None, None]), [0.0, 40.0, 80.0]);
        assert_eq!(times(&[Some(0), Some(40), None, Some(200)]), [0.0, 40.0, 80.0, 200.0]);
    }

    #[test]
    fn a_file_of_one_time_holds_few_frames() {
        let timeline = Timeline::of_frames(0, Rational(1, 1000));
        let (mut runs, mut settled) = (Runs::new(timeline, 40_000_000), Vec::new());
        for frame in 0..1000 {
            runs.push(Some(5), frame, &mut settled);
            assert!(runs.held.len() <= HELD);
        }
        runs.end(&mut settled);
        assert_eq!(settled.len(), 1000);
        assert!(settled.is_sorted_by(|a, b| a.0 < b.0));
    }
}
