//! Whom poses belong to, by the tracks of the step that made them.
use framefleet_frames::annotation::Value;
use framefleet_stage::Job;
use std::collections::HashMap;

/// A person's track: what is needed to know whether a mask of one track can be of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Number of the track within the item.
    pub track: u32,
    /// The first and the last frame that have it.
    pub first: u64,
    /// See `first`.
    pub last: u64,
}

/// The persons of all items; empty where no step follows poses. Memory: 28 bytes per pose.
pub struct Persons<'a> {
    of_item: HashMap<&'a str, HashMap<(u64, u32), Person>>,
}

impl<'a> Persons<'a> {
    /// Those that the job was given.
    pub fn new(job: &'a Job) -> Self {
        let mut of_item: HashMap<&str, HashMap<(u64, u32), Person>> = HashMap::new();
        for scoped in &job.scoped {
            let Some(Value::PersonTrack(track)) = scoped.annotation.as_ref().and_then(|of| of.value.as_ref()) else {
                continue;
            };
            let (Some(&first), Some(&last)) = (track.frames.first(), track.frames.last()) else { continue };
            let person = Person { track: track.track, first, last };
            let poses = track.frames.iter().copied().zip(track.instances.iter().copied());
            of_item.entry(&scoped.item).or_default().extend(poses.map(|pose| (pose, person)));
        }
        Self { of_item }
    }

    /// Whose pose an instance of a frame is.
    pub fn of_pose(&self, item: &str, frame: u64, pose: u32) -> Option<Person> {
        self.of_item.get(item)?.get(&(frame, pose)).copied()
    }
}
