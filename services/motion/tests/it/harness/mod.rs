//! Runs the stage on a film and sorts what comes out.
#![allow(dead_code)]
use framefleet_frames::{Action, FrameRange, Motion, Shot, Trajectory};
use framefleet_stage::Host;
use framefleet_testkit_stage::{Film, Finished, Step, only};
use motion::{MotionSettings, MotionStage};
use std::collections::BTreeMap;

/// What the stage made.
pub struct Results {
    pub motions: BTreeMap<u64, Motion>,
    pub failed: Vec<(u64, String)>,
    pub skipped: Vec<(u64, String)>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
    pub shots: Vec<(FrameRange, Shot)>,
    pub actions: Vec<(FrameRange, Action)>,
    pub trajectories: Vec<(FrameRange, Trajectory)>,
    pub statistics: serde_json::Value,
    pub finished: Finished,
}

/// Both halves.
pub fn run(film: &Film, settings: &MotionSettings) -> Results {
    let step = Step::<MotionStage>::load(&Host::default(), settings).unwrap();
    let (processed, finished) = step.run(std::slice::from_ref(film)).unwrap();
    let motions = processed.records.each(only!(Motion)).map(|(record, motions)| {
        let [motion] = &motions[..] else { panic!("process makes one motion per frame: {motions:?}") };
        (record.frame, motion.clone())
    });
    Results {
        motions: motions.collect(),
        failed: processed.records.failed(),
        skipped: processed.records.skipped(),
        artifacts: processed.artifacts,
        shots: finished.on_frames(only!(Shot)),
        actions: finished.on_frames(only!(Action)),
        trajectories: finished.on_frames(only!(Trajectory)),
        statistics: finished.statistics.clone(),
        finished,
    }
}
