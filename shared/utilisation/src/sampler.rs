//! Reads again and again on a thread of its own, over a window that its owner begins and ends.
use crate::device::DeviceReader;
use crate::meter::Meter;
use crate::summary::{Utilisation, UtilisationBuilder};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A window in which readings are taken.
pub struct Sampler {
    /// Ends the thread when it goes.
    stop: Sender<()>,
    thread: JoinHandle<Utilisation>,
}

impl Sampler {
    /// Begins a window: a reading every `period`, and a last one at its end. The devices' driver is opened by the thread that reads, since
    /// that takes its time. Fails when no thread can be started.
    pub fn start(
        open: impl FnOnce() -> Arc<dyn DeviceReader> + Send + 'static,
        period: Duration,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let sample = move || {
            let mut meter = Meter::new(open());
            let mut readings = UtilisationBuilder::default();
            loop {
                let goes_on = stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout);
                readings.add("", "", &meter.read());
                if !goes_on {
                    return readings.build();
                }
            }
        };
        let thread = std::thread::Builder::new().name("utilisation".to_owned()).spawn(sample)?;
        Ok(Self { stop, thread })
    }

    /// Ends the window. `None` when its thread broke.
    pub fn finish(self) -> Option<Utilisation> {
        drop(self.stop);
        self.thread.join().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceReading;
    use crate::process::cpu_time;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A device whose utilisation goes up with every reading: 0.25, 0.5, 0.75, 1, 1, …
    #[derive(Default)]
    struct Climbing(AtomicU32);

    impl DeviceReader for Climbing {
        fn read(&self) -> Vec<DeviceReading> {
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let utilisation = Some((f64::from(number) / 4.0).min(1.0));
            vec![DeviceReading { device: "cuda:0".to_owned(), utilisation, ..DeviceReading::default() }]
        }
    }

    #[test]
    fn a_window_has_what_went_on_in_it() {
        let devices = Arc::new(Climbing::default());
        let opened: Arc<dyn DeviceReader> = devices.clone();
        let sampler = Sampler::start(move || opened, Duration::from_millis(1)).unwrap();
        let began = cpu_time();
        while cpu_time() < began + Duration::from_millis(30) || devices.0.load(Ordering::Relaxed) < 3 {}
        let window = sampler.finish().unwrap();
        assert!(window.samples >= 4 && window.cpu_cores > 0.0, "{window:?}");
        let device = &window.devices[0];
        assert_eq!(device.utilisation_peak, Some(1.0));
        assert!(device.utilisation < Some(1.0), "a mean: {device:?}");
        assert!(window.memory_peak > Some(0));
    }

    #[test]
    fn the_shortest_window_has_a_reading() {
        let sampler = Sampler::start(|| Arc::new(crate::NoDevices), Duration::from_secs(3600)).unwrap();
        assert_eq!(sampler.finish().unwrap().samples, 1);
    }
}
