//! The tracks of faces, poses and masks that other steps followed, and the names of identities.
use framefleet_frames::ScopedAnnotation;
use framefleet_frames::annotation::Value;
use framefleet_stage::Job;
use std::collections::{BTreeMap, HashMap};

/// A track of one kind of part, by its number within the item. Of a pose first, since poses are followed best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// Of poses.
    Pose(u32),
    /// Of masks.
    Mask(u32),
    /// Of faces.
    Face(u32),
}

impl Track {
    /// The kind of part, as a place in a list.
    pub fn kind(self) -> usize {
        match self {
            Self::Pose(_) => 0,
            Self::Mask(_) => 1,
            Self::Face(_) => 2,
        }
    }
}

/// Frame and instance.
type Place = (u64, u32);

/// The tracks of an item, by what they are made of. Memory: 24 bytes per part and frame.
#[derive(Debug, Default)]
pub struct Tracks {
    faces: HashMap<Place, u32>,
    poses: HashMap<Place, u32>,
    masks: HashMap<Place, u32>,
    /// Of tracks of faces.
    identities: HashMap<u32, u32>,
}

impl Tracks {
    /// Those of an item that the job was given.
    pub fn of(job: &Job, item: &str) -> Self {
        let mut tracks = Self::default();
        let of_item = job.scoped.iter().filter(|scoped| scoped.item == item);
        of_item.filter_map(value).for_each(|value| tracks.add(value));
        tracks
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::FaceTrack(track) => {
                self.faces.extend(places(&track.frames, &track.instances, track.number));
                self.identities.extend(track.identity.map(|identity| (track.number, identity)));
            }
            Value::PersonTrack(track) => self.poses.extend(places(&track.frames, &track.instances, track.track)),
            Value::MaskTrack(track) => self.masks.extend(places(&track.frame, &track.instance, track.track)),
            _ => {}
        }
    }

    /// The tracks of the parts of a frame, those of poses first.
    pub fn of_parts(&self, frame: u64, face: Option<u32>, pose: Option<u32>, mask: Option<u32>) -> Vec<Track> {
        let of = |tracks: &HashMap<Place, u32>, part: Option<u32>| tracks.get(&(frame, part?)).copied();
        let pose = of(&self.poses, pose).map(Track::Pose);
        let mask = of(&self.masks, mask).map(Track::Mask);
        pose.into_iter().chain(mask).chain(of(&self.faces, face).map(Track::Face)).collect()
    }

    /// Whose a track is, where that is known.
    pub fn identity(&self, track: Track) -> Option<u32> {
        match track {
            Track::Face(number) => self.identities.get(&number).copied(),
            _ => None,
        }
    }
}

/// The names that the user gave identities, by their numbers.
pub fn names(job: &Job) -> BTreeMap<u32, String> {
    let name = |scoped| match value(scoped) {
        Some(Value::Identity(identity)) if !identity.name.is_empty() => Some((identity.number, identity.name.clone())),
        _ => None,
    };
    job.scoped.iter().filter_map(name).collect()
}

fn value(scoped: &ScopedAnnotation) -> Option<&Value> {
    scoped.annotation.as_ref()?.value.as_ref()
}

fn places<'a>(frames: &'a [u64], instances: &'a [u32], track: u32) -> impl Iterator<Item = (Place, u32)> + 'a {
    frames.iter().copied().zip(instances.iter().copied()).map(move |place| (place, track))
}
