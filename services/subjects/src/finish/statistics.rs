//! What the summary says.
use crate::finish::join::Found;
use framefleet_frames::SubjectTrack;
use serde::Serialize;

/// Counts over all frames with a result.
#[derive(Debug, Default, Serialize)]
pub struct Statistics {
    /// Frames with a result.
    frames: u64,
    /// Subjects in them, all frames together.
    instances: u64,
    /// The most in one frame.
    max_instances: u64,
    /// Of the instances: those with a face, a pose, a mask, and with all three.
    with_face: u64,
    with_pose: u64,
    with_mask: u64,
    complete: u64,
    /// Subjects of all items.
    subjects: u64,
    /// Of them: those whose identity is known, and those that have a name.
    identified: u64,
    named: u64,
}

impl Statistics {
    /// Counts a frame.
    pub fn add_frame(&mut self, found: &[Found]) {
        self.frames += 1;
        self.instances += found.len() as u64;
        self.max_instances = self.max_instances.max(found.len() as u64);
        for Found { face, pose, mask, .. } in found {
            self.with_face += u64::from(face.is_some());
            self.with_pose += u64::from(pose.is_some());
            self.with_mask += u64::from(mask.is_some());
            self.complete += u64::from(face.is_some() && pose.is_some() && mask.is_some());
        }
    }

    /// Counts a subject.
    pub fn add_subject(&mut self, subject: &SubjectTrack) {
        self.subjects += 1;
        self.identified += u64::from(subject.identity.is_some());
        self.named += u64::from(!subject.name.is_empty());
    }
}
