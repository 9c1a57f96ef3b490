//! Who is who from frame to frame: the tracks of face clustering, cut at shots.
use framefleet_frames::{FrameRange, Mouth};
use std::collections::HashMap;

/// A mouth in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MouthObservation {
    /// Number in the item.
    pub frame: u64,
    /// Nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// Instance of the mouth in its frame.
    pub instance: u32,
    /// See [`Mouth::aperture`].
    pub aperture: f32,
    /// See [`Mouth::confidence`].
    pub confidence: f32,
}

impl MouthObservation {
    /// What is kept of a mouth.
    pub fn new(frame: u64, pts_ns: i64, instance: u32, mouth: &Mouth) -> Self {
        Self { frame, pts_ns, instance, aperture: mouth.aperture, confidence: mouth.confidence }
    }
}

/// One face within one shot.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Number within the item.
    pub number: u32,
    /// Index of the shot.
    pub shot: usize,
    /// Where its mouth was seen, in the order of frames; at least one.
    pub observations: Vec<MouthObservation>,
}

/// Faces by (frame, instance) as somebody else tracked them.
pub type Known = HashMap<(u64, u32), u32>;

fn shot_of(shots: &[FrameRange], frame: u64) -> usize {
    shots.partition_point(|shot| shot.start <= frame).saturating_sub(1)
}

/// Makes tracks of the observations of an item, which come in the order of frames. `shots` are in order and hold every frame; a track of
/// `known` that spans several becomes one per shot, of the same number. Faces that `known` lacks belong to no track.
pub fn tracks(observations: &[MouthObservation], shots: &[FrameRange], known: &Known) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    let mut index: HashMap<(u32, usize), usize> = HashMap::new();
    for observation in observations {
        let Some(number) = known.get(&(observation.frame, observation.instance)).copied() else { continue };
        let shot = shot_of(shots, observation.frame);
        let at = *index.entry((number, shot)).or_insert_with(|| {
            tracks.push(Track { number, shot, observations: Vec::new() });
            tracks.len() - 1
        });
        tracks[at].observations.push(*observation);
    }
    tracks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64, instance: u32) -> MouthObservation {
        MouthObservation { frame, pts_ns: frame as i64 * 40_000_000, instance, aperture: 0.0, confidence: 1.0 }
    }

    fn numbers(tracks: &[Track]) -> Vec<(u32, usize, usize)> {
        tracks.iter().map(|track| (track.number, track.shot, track.observations.len())).collect()
    }

    #[test]
    fn known_tracks_are_taken_as_they_are() {
        let shots = [FrameRange { start: 0, end: 5 }, FrameRange { start: 5, end: 200 }];
        let observations: Vec<_> = (0..10).flat_map(|n| [at(n, 0), at(n, 1)]).collect();
        let known = (0..10).map(|n| ((n, 1), 7)).collect();
        assert_eq!(numbers(&tracks(&observations, &shots, &known)), [(7, 0, 5), (7, 1, 5)]);
    }
}
