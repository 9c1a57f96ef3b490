//! Statistics of the step over all items.
use crate::finish::scorer::Scorer;
use crate::finish::tracks::Track;
use crate::settings::{CONFIDENT, CategorizerSettings, DROPPED};
use serde::Serialize;
use std::collections::BTreeMap;

/// Statistics, as the summary shows them.
#[derive(Debug, Serialize)]
pub struct Statistics {
    /// Id of the model.
    model: String,
    model_family: &'static str,
    confidence_threshold: f64,
    /// What probabilities are worth: "not calibrated", or the temperature that they are made with.
    calibration: String,
    /// Frames with a result, and those of them without an instance.
    frames: u64,
    frames_without_instances: u64,
    /// Instances, or frames, that were categorized: those that the user dropped do not count.
    total_instances: u64,
    confident_predictions: u64,
    uncertain_predictions: u64,
    /// Share of the confident ones, 0–1.
    confidence_rate: f64,
    /// Confident ones of each category.
    category_distribution: BTreeMap<String, u64>,
    /// Tracks and shots that have a vote.
    tracks: u64,
    shots: u64,
    /// Instances that the user spoke of, and those of them that were dropped.
    corrected: u64,
    dropped: u64,
    /// Instances that corrections speak of and that are not there any more.
    pub lost_targets: u64,
}

impl Statistics {
    /// Nothing so far.
    pub fn of(settings: &CategorizerSettings, model: &str, scorer: &Scorer) -> Self {
        let calibration = scorer.temperature().map(|temperature| format!("temperature {temperature}"));
        Self {
            model: model.to_owned(),
            model_family: "imagenet",
            confidence_threshold: settings.threshold,
            calibration: calibration.unwrap_or_else(|| "not calibrated".to_owned()),
            frames: 0,
            frames_without_instances: 0,
            total_instances: 0,
            confident_predictions: 0,
            uncertain_predictions: 0,
            confidence_rate: 0.0,
            category_distribution: scorer.names().iter().map(|name| (name.clone(), 0)).collect(),
            tracks: 0,
            shots: 0,
            corrected: 0,
            dropped: 0,
            lost_targets: 0,
        }
    }

    /// Adds a frame with a result.
    pub fn add_frame(&mut self, has_instances: bool) {
        self.frames += 1;
        self.frames_without_instances += u64::from(!has_instances);
    }

    /// Adds a track or shot that has a vote.
    pub fn add_vote(&mut self, track: &Track) {
        if track.is_one() {
            self.tracks += 1;
        } else {
            self.shots += 1;
        }
    }

    /// Adds an instance: what it is called, and by whom.
    pub fn add(&mut self, status: &str, category: &str, by: &str) {
        self.corrected += u64::from(by == "user");
        match status {
            DROPPED => {
                self.dropped += 1;
                return;
            }
            CONFIDENT => {
                self.confident_predictions += 1;
                *self.category_distribution.entry(category.to_owned()).or_default() += 1;
            }
            _ => self.uncertain_predictions += 1,
        }
        self.total_instances += 1;
        self.confidence_rate = self.confident_predictions as f64 / self.total_instances as f64;
    }
}
