//! What the summary says.
use serde::Serialize;

/// Sums over all frames with a result. Written once, when all of it is known.
#[derive(Debug, Default, Serialize)]
pub struct Statistics {
    /// Frames with a result.
    frames: u64,
    /// Instances in them.
    instances: u64,
    /// Instances per frame.
    mean_instances: f64,
    /// The most in one frame.
    max_instances: u64,
    /// Frames with more than one instance.
    frames_with_several: u64,
    /// Frames without any.
    frames_without: u64,
    /// Objects followed.
    tracks: u64,
    /// Mean overlap (IoU) of an object's masks in neighbouring frames; null without any.
    stability: Option<f64>,
    #[serde(skip)]
    overlaps: (f64, u64),
}

impl Statistics {
    /// Counts a frame.
    pub fn add_frame(&mut self, instances: u64) {
        self.frames += 1;
        self.instances += instances;
        self.max_instances = self.max_instances.max(instances);
        self.frames_with_several += u64::from(instances > 1);
        self.frames_without += u64::from(instances == 0);
    }

    /// Counts an object: the sum and number of its overlaps.
    pub fn add_track(&mut self, overlaps: (f64, u64)) {
        self.tracks += 1;
        self.overlaps.0 += overlaps.0;
        self.overlaps.1 += overlaps.1;
    }

    /// The means of it all.
    pub fn done(mut self) -> Self {
        self.mean_instances = if self.frames > 0 { self.instances as f64 / self.frames as f64 } else { 0.0 };
        self.stability = (self.overlaps.1 > 0).then(|| self.overlaps.0 / self.overlaps.1 as f64);
        self
    }
}
