//! Who votes together: the instances of a track that another step followed, or the frames of a shot.
use crate::settings::Of;
use framefleet_frames::annotation::Value;
use framefleet_frames::{FrameRange, Kind};
use framefleet_stage::Job;
use std::collections::HashMap;
use std::ops::Range;

/// The kind of the tracks of what is categorized; finish uses it when it is there.
pub fn kind(of: Of) -> &'static str {
    match of {
        Of::Frame => SHOT,
        Of::Mask => "mask_track",
        Of::Face => "face_track",
        Of::Pose => "person_track",
    }
}

const SHOT: &str = "shot";

/// A track, or a shot.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// The kind.
    pub voters: &'static str,
    /// Its number within the item; shots have none.
    pub number: Option<u32>,
    /// From the first frame to behind the last.
    pub frames: Range<u64>,
}

impl Track {
    /// Whether it is one thing, which has one category; the frames of a shot may differ.
    pub fn is_one(&self) -> bool {
        self.voters != SHOT
    }
}

/// The tracks of an item.
#[derive(Debug, Default)]
pub struct Tracks {
    list: Vec<Track>,
    of_instance: HashMap<(u64, u32), usize>,
}

impl Tracks {
    /// Those of an item that the job was given.
    pub fn of(job: &Job, item: &str, of: Of) -> Self {
        let (voters, mut tracks) = (kind(of), Self::default());
        if of == Of::Frame {
            let shots = job.shots(item).into_iter();
            tracks.list =
                shots.map(|FrameRange { start, end }| Track { voters, number: None, frames: start..end }).collect();
            return tracks;
        }
        let kind = Kind::new(voters);
        for (scoped, annotation) in job.scoped_of(&kind).filter(|(scoped, _)| scoped.item == item) {
            let (number, frames, instances) = match &annotation.value {
                Some(Value::MaskTrack(track)) => (track.track, &track.frame, &track.instance),
                Some(Value::FaceTrack(track)) => (track.number, &track.frames, &track.instances),
                Some(Value::PersonTrack(track)) => (track.track, &track.frames, &track.instances),
                _ => continue,
            };
            let at = tracks.list.len();
            tracks.of_instance.extend(frames.iter().copied().zip(instances.iter().copied()).map(|place| (place, at)));
            let range = scoped.range.unwrap_or_default();
            tracks.list.push(Track { voters, number: Some(number), frames: range.start..range.end });
        }
        tracks
    }

    /// All of them.
    pub fn list(&self) -> &[Track] {
        &self.list
    }

    /// The place in the list of the track of an instance, or of the shot of a frame.
    pub fn of_instance(&self, frame: u64, instance: u32) -> Option<usize> {
        match self.list.first() {
            Some(track) if !track.is_one() => {
                let begun = self.list.partition_point(|shot| shot.frames.start <= frame);
                begun.checked_sub(1).filter(|at| self.list[*at].frames.contains(&frame))
            }
            _ => self.of_instance.get(&(frame, instance)).copied(),
        }
    }
}
