//! How long models really occupied a device beside the processor.
//!
//! Runs of several threads overlap on a device. Each is counted with its part: while n of them are under way, each gets one n-th of the
//! time. All parts together are the time that the device was occupied, and no more.
use parking_lot::Mutex;
use std::cell::Cell;
use std::time::Instant;

thread_local! {
    static OF_THREAD: Cell<f64> = const { Cell::new(0.0) };
}

/// Seconds that runs of this thread occupied devices beside the processor so far.
pub fn device_seconds() -> f64 {
    OF_THREAD.get()
}

/// The clock of one device.
#[derive(Debug, Default)]
pub(crate) struct DeviceTime(Mutex<Clock>);

impl DeviceTime {
    /// Does what occupies the device, and counts its part for this thread.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let began = self.0.lock().begin(Instant::now());
        let done = work();
        let part = self.0.lock().end(Instant::now()) - began;
        OF_THREAD.set(OF_THREAD.get() + part);
        done
    }
}

/// Time as one run sees it: it goes by at 1/n while n runs are under way.
#[derive(Debug, Default)]
struct Clock {
    running: u32,
    at: Option<Instant>,
    shared: f64,
}

impl Clock {
    fn begin(&mut self, now: Instant) -> f64 {
        self.pass(now);
        self.running += 1;
        self.shared
    }

    fn end(&mut self, now: Instant) -> f64 {
        self.pass(now);
        self.running -= 1;
        self.shared
    }

    fn pass(&mut self, now: Instant) {
        if let (Some(at), true) = (self.at, self.running > 0) {
            self.shared += now.saturating_duration_since(at).as_secs_f64() / f64::from(self.running);
        }
        self.at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn parts_of_runs_that_overlap_are_together_the_time_that_the_device_was_occupied() {
        let (mut clock, began) = (Clock::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let first = clock.begin(at(0));
        let second = clock.begin(at(4));
        let first = clock.end(at(6)) - first;
        let second = clock.end(at(9)) - second;
        // Alone for 4, together for 2; together for 2, alone for 3.
        assert_eq!((first, second), (5.0, 4.0));
        let third = clock.begin(at(100));
        assert_eq!(clock.end(at(101)) - third, 1.0, "idle time is nobody's");
    }

    #[test]
    fn threads_count_their_own() {
        let device = DeviceTime::default();
        let before = device_seconds();
        device.run(|| std::thread::sleep(Duration::from_millis(20)));
        assert!(device_seconds() - before >= 0.02);
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(device_seconds(), 0.0));
        });
    }
}
