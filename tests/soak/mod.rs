//! The soak: short jobs back to back through a fleet, while memory, open files and threads of every process and the number
//! of blobs are written down; at the end nothing may have a trend to grow.
//!
//! `make soak` runs ten minutes of it, the tests one.

mod processes;
mod trend;

use crate::processes::Fleet;
use crate::processes::api::{Api, has_ended, request};
use framefleet_proto::control::JobStatus;
use processes::{Watched, look};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The part of the time that is not judged: caches fill, the allocator and the server's heap find their size.
const WARM_UP: f64 = 1.0 / 3.0;
/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(500);

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Resident memory, MiB.
    Memory,
    /// Open file descriptors.
    Files,
    /// Threads.
    Threads,
    /// Files in the folder of frames in flight.
    Blobs,
}

/// What one process (or the folder of blobs) had of one quantity.
#[derive(Clone, Debug)]
pub struct Series {
    /// Of whom.
    pub who: String,
    /// Of what.
    pub what: Quantity,
    /// (minute, amount), in order of time.
    points: Vec<(f64, f64)>,
}

/// What came of a soak.
pub struct Report {
    /// Jobs done.
    pub jobs: u64,
    /// One for each process and quantity.
    pub series: Vec<Series>,
}

/// Runs jobs of a pipeline (TOML) over a clip for so long.
pub fn run(fleet: &Fleet, clip: &Path, pipeline: &str, lasts: Duration) -> Report {
    let (api, watched) = (fleet.api(), Watched::of(fleet));
    let over = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&watched, &over));
        let mut jobs = 0;
        while began.elapsed() < lasts {
            one_job(fleet, &api, clip, pipeline);
            jobs += 1;
        }
        over.store(true, Ordering::Relaxed);
        Report { jobs, series: watching.join().unwrap() }
    })
}

/// Submits a job, waits for its end and removes its output.
fn one_job(fleet: &Fleet, api: &Api, clip: &Path, pipeline: &str) {
    let output = fleet.path("soaked");
    let name = api.submit(&request(clip, &output, pipeline));
    let job = api.wait(&name, has_ended);
    assert_eq!(job.status(), JobStatus::Done, "{job:#?}\n{}", fleet.logs());
    std::fs::remove_dir_all(&output).unwrap();
}

fn watch(watched: &[Watched], over: &AtomicBool) -> Vec<Series> {
    let began = Instant::now();
    let mut all: Vec<Series> = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let minute = began.elapsed().as_secs_f64() / 60.0;
        for (who, what, amount) in watched.iter().flat_map(look) {
            match all.iter_mut().find(|series| series.who == who && series.what == what) {
                Some(series) => series.points.push((minute, amount)),
                None => all.push(Series { who, what, points: vec![(minute, amount)] }),
            }
        }
        std::thread::sleep(PERIOD);
    }
    all
}

impl Quantity {
    /// By how much the trend may rise over the time that is judged. What is used breathes: a heap by some MiB, pools of
    /// threads and connections by a few. A leak is as large as the soak is long: the longer, the smaller a leak it finds.
    fn allowance(self) -> f64 {
        match self {
            Self::Memory | Self::Threads => 16.0,
            Self::Files | Self::Blobs => 8.0,
        }
    }
}

impl Series {
    /// The points that are judged.
    fn judged(&self) -> &[(f64, f64)] {
        let end = self.points.last().map_or(0.0, |point| point.0);
        &self.points[self.points.partition_point(|point| point.0 < end * WARM_UP)..]
    }

    /// By how much it grows in a minute.
    pub fn per_minute(&self) -> f64 {
        trend::slope(self.judged())
    }

    /// By how much it grew, by its trend, while it was judged.
    fn growth(&self) -> f64 {
        let judged = self.judged();
        let minutes = judged.last().map_or(0.0, |last| last.0 - judged[0].0);
        self.per_minute() * minutes
    }

    /// Whether it grew by more than anything that does not leak.
    pub fn leaks(&self) -> bool {
        self.growth() > self.what.allowance()
    }
}

impl Report {
    /// What grows.
    pub fn leaks(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| series.leaks())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} jobs", self.jobs)?;
        writeln!(
            formatter,
            "| process | what | after warm-up | end | most | trend a minute | growth | allowed |\n|---|---|---|---|---|---|---|---|"
        )?;
        for series in &self.series {
            let judged = series.judged();
            let (Some(first), Some(last)) = (judged.first(), judged.last()) else { continue };
            let most = series.points.iter().map(|point| point.1).fold(0.0, f64::max);
            let (who, what) = (&series.who, series.what);
            let (trend, growth, allowed) = (series.per_minute(), series.growth(), what.allowance());
            let mark = if series.leaks() { " LEAKS" } else { "" };
            writeln!(
                formatter,
                "| {who} | {what:?} | {:.1} | {:.1} | {most:.1} | {trend:+.2} | {growth:+.1}{mark} | {allowed} |",
                first.1, last.1
            )?;
        }
        Ok(())
    }
}
