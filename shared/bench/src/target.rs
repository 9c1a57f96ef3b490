//! Which settings meet a target, and the pipeline file that has them.
use crate::BenchError;
use crate::matrix::Combination;
use crate::measure::Bench;
use crate::row::{Figures, Row};
use framefleet_infer::DeviceChoice;
use std::collections::BTreeMap;

/// What a plan has to reach, on every size that was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target {
    /// Frames per second at least.
    pub frames_per_second: Option<f64>,
    /// Milliseconds of a frame at most: see [`Figures::frame_latency_p95`].
    pub latency_ms: Option<f64>,
}

/// Settings that meet a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Without a size.
    pub combination: Combination,
    /// Frames per second on the size that is slowest.
    pub frames_per_second: f64,
}

impl Target {
    /// The fastest settings that meet the target on every size; an error that says the best that was found when none does.
    pub fn choose(&self, rows: &[Row]) -> Result<Chosen, BenchError> {
        let mut settings: BTreeMap<Combination, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            settings.entry(row.combination.without_size()).or_default().push(row);
        }
        let mut measured: Vec<(Chosen, bool, f64)> =
            settings.into_iter().filter_map(|(combination, rows)| self.judge(combination, &rows)).collect();
        measured.sort_by(|a, b| b.0.frames_per_second.total_cmp(&a.0.frames_per_second));
        if let Some((chosen, ..)) = measured.iter().find(|(_, meets, _)| *meets) {
            return Ok(chosen.clone());
        }
        Err(BenchError::Target(match measured.first() {
            Some((best, _, latency)) => format!(
                "no settings reach {}; the fastest are {}: {:.1} frames per second, {:.1} ms a frame (95 of 100)",
                self.words(),
                best.combination,
                best.frames_per_second,
                1000.0 * latency,
            ),
            None => format!("no settings reach {}: none ran on every size", self.words()),
        }))
    }

    /// Speed and latency of settings on the size that is slowest, and whether they meet the target; `None` where a size did not run.
    fn judge(&self, combination: Combination, rows: &[&Row]) -> Option<(Chosen, bool, f64)> {
        let figures: Vec<&Figures> = rows.iter().map(|row| row.figures.as_ref()).collect::<Option<_>>()?;
        let speed = figures.iter().map(|of| of.frames_per_second).fold(f64::INFINITY, f64::min);
        let latency = figures.iter().map(|of| of.frame_latency_p95).fold(0.0, f64::max);
        let meets = self.frames_per_second.is_none_or(|least| speed >= least)
            && self.latency_ms.is_none_or(|most| 1000.0 * latency <= most);
        Some((Chosen { combination, frames_per_second: speed }, meets, latency))
    }

    fn words(&self) -> String {
        let speed = self.frames_per_second.map(|least| format!("{least} frames per second"));
        let latency = self.latency_ms.map(|most| format!("{most} ms a frame"));
        let words: Vec<String> = speed.into_iter().chain(latency).collect();
        if words.is_empty() { "an end".to_owned() } else { words.join(" and ") }
    }
}

impl Chosen {
    /// The pipeline with these settings, as a file that `framefleet run --pipeline` takes. What a pipeline cannot say (precision, device,
    /// providers) is in its first lines as the command to run it with; `file` is where it will lie.
    pub fn pipeline_file(&self, bench: &Bench, file: &str) -> Result<String, BenchError> {
        let mut set = bench.set.clone();
        set.extend(self.combination.batch.map(|batch| format!("*.micro_batch={batch}")));
        let pipeline = bench.pipeline.with_settings(&set, &bench.registry)?;
        let toml = pipeline.to_toml().map_err(framefleet_job::JobError::from)?;
        let command = shlex::try_join(self.arguments(bench, file).iter().map(String::as_str)).unwrap_or_default();
        let speed = self.frames_per_second;
        Ok(format!(
            "# Measured by `framefleet bench`: {speed:.1} frames per second ({}).\n# {command} SOURCE\n\n{toml}",
            self.combination
        ))
    }

    fn arguments(&self, bench: &Bench, file: &str) -> Vec<String> {
        let mut words = vec!["framefleet".to_owned(), "run".to_owned(), "--pipeline".to_owned(), file.to_owned()];
        if let Some(precision) = self.combination.precision {
            words.extend(["--precision".to_owned(), precision.to_string()]);
        }
        if let Some(backend) = self.combination.backend {
            let arguments = backend.arguments(&bench.models);
            words.extend(["--device".to_owned(), arguments.device.to_string()]);
            if arguments.device != DeviceChoice::Cpu {
                words.extend(["--providers".to_owned(), backend.to_string()]);
            }
        }
        words.extend(["--threads".to_owned(), bench.threads.to_string()]);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(size: &str, batch: u32, speed: f64, latency_ms: f64) -> Row {
        let figures =
            Figures { frames_per_second: speed, frame_latency_p95: latency_ms / 1000.0, ..Figures::default() };
        let combination =
            Combination { size: Some(size.parse().unwrap()), batch: Some(batch), ..Combination::default() };
        Row { combination, frame_size: None, not_run: None, figures: Some(figures) }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("720p", 1, 50.0, 20.0),
            row("4k", 1, 10.0, 90.0),
            row("720p", 8, 90.0, 60.0),
            row("4k", 8, 20.0, 200.0),
        ]
    }

    fn target(frames_per_second: Option<f64>, latency_ms: Option<f64>) -> Target {
        Target { frames_per_second, latency_ms }
    }

    #[test]
    fn the_fastest_that_meets_the_target_on_every_size_is_chosen() {
        let batch = |target: Target| target.choose(&rows()).map(|of| (of.combination.batch, of.frames_per_second));
        assert_eq!(batch(target(None, None)).unwrap(), (Some(8), 20.0));
        assert_eq!(batch(target(Some(15.0), None)).unwrap(), (Some(8), 20.0));
        assert_eq!(batch(target(None, Some(100.0))).unwrap(), (Some(1), 10.0), "the fastest is too late");
    }

    #[test]
    fn when_none_does_the_best_is_said() {
        let error = target(Some(25.0), Some(50.0)).choose(&rows()).unwrap_err().to_string();
        assert_eq!(
            error,
            "no settings reach 25 frames per second and 50 ms a frame; the fastest are batches of 8: 20.0 frames per \
             second, 200.0 ms a frame (95 of 100)"
        );
        let mut partly = rows();
        partly.iter_mut().filter(|row| row.combination.size == "4k".parse().ok()).for_each(|row| row.figures = None);
        assert!(target(None, None).choose(&partly).unwrap_err().to_string().ends_with("none ran on every size"));
    }
}
