//! Who is who from frame to frame: the tracks of the step's input, or faces linked by overlap within shots.
use framefleet_media::{FrameRange, Mouth};
use framefleet_vision::assignment::assign;
use framefleet_vision::boxes::{Corners, iou};
use std::collections::HashMap;

/// Least overlap of one face in two frames (SyncNet's face tracks).
const OVERLAP: f32 = 0.5;
/// A face that is away for longer, nanoseconds, comes back as another (SyncNet: 25 frames at 25 per second).
const AWAY_NS: i64 = 1_000_000_000;

/// A mouth in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Number in the item.
    pub frame: u64,
    /// Nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// Instance of the mouth in its frame.
    pub instance: u32,
    /// The face, pixels of the full frame.
    pub face_box: Corners,
    /// See [`Mouth::aperture`].
    pub aperture: f32,
    /// See [`Mouth::confidence`].
    pub confidence: f32,
}

impl Sighting {
    /// What is kept of a mouth.
    pub fn new(frame: u64, pts_ns: i64, instance: u32, mouth: &Mouth) -> Self {
        let face_box = Corners::try_from(mouth.face_box.as_slice()).unwrap_or_default();
        Self { frame, pts_ns, instance, face_box, aperture: mouth.aperture, confidence: mouth.confidence }
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
    pub sightings: Vec<Sighting>,
}

/// Faces by (frame, instance) as somebody else tracked them.
pub type Known = HashMap<(u64, u32), u32>;

/// Makes tracks of the sightings of an item, which come in the order of frames. `shots` are in order and hold every frame; a track of
/// `known` that spans several becomes one per shot, of the same number. Faces that `known` lacks belong to no track.
pub fn tracks(sightings: &[Sighting], shots: &[FrameRange], known: Option<&Known>) -> Vec<Track> {
    match known {
        Some(known) => by_number(sightings, shots, known),
        None => by_overlap(sightings, shots),
    }
}

fn shot_of(shots: &[FrameRange], frame: u64) -> usize {
    shots.partition_point(|shot| shot.start <= frame).saturating_sub(1)
}

fn by_number(sightings: &[Sighting], shots: &[FrameRange], known: &Known) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    let mut index: HashMap<(u32, usize), usize> = HashMap::new();
    for sighting in sightings {
        let Some(number) = known.get(&(sighting.frame, sighting.instance)).copied() else { continue };
        let shot = shot_of(shots, sighting.frame);
        let at = *index.entry((number, shot)).or_insert_with(|| {
            tracks.push(Track { number, shot, sightings: Vec::new() });
            tracks.len() - 1
        });
        tracks[at].sightings.push(*sighting);
    }
    tracks
}

fn by_overlap(sightings: &[Sighting], shots: &[FrameRange]) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    let mut open: Vec<(usize, Sighting)> = Vec::new();
    for faces in sightings.chunk_by(|a, b| a.frame == b.frame) {
        let (shot, now) = (shot_of(shots, faces[0].frame), faces[0].pts_ns);
        open.retain(|(track, last)| tracks[*track].shot == shot && now - last.pts_ns <= AWAY_NS);
        let pairs = assign(open.len(), faces.len(), OVERLAP, |o, f| iou(&open[o].1.face_box, &faces[f].face_box));
        for (face, sighting) in faces.iter().enumerate() {
            match pairs.iter().find(|(_, paired)| *paired == face) {
                Some((at, _)) => {
                    tracks[open[*at].0].sightings.push(*sighting);
                    open[*at].1 = *sighting;
                }
                None => {
                    open.push((tracks.len(), *sighting));
                    tracks.push(Track { number: tracks.len() as u32, shot, sightings: vec![*sighting] });
                }
            }
        }
    }
    tracks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64, instance: u32, x: f32) -> Sighting {
        let face_box = [x, 0.0, x + 100.0, 100.0];
        Sighting { frame, pts_ns: frame as i64 * 40_000_000, instance, face_box, aperture: 0.0, confidence: 1.0 }
    }

    fn numbers(tracks: &[Track]) -> Vec<(u32, usize, usize)> {
        tracks.iter().map(|track| (track.number, track.shot, track.sightings.len())).collect()
    }

    #[test]
    fn faces_keep_their_track_when_detectors_change_their_order() {
        let crossing = (0..20).flat_map(|n| [at(n, n as u32 % 2, 5.0 * n as f32), at(n, 1 - n as u32 % 2, 400.0)]);
        assert_eq!(
            numbers(&tracks(&crossing.collect::<Vec<_>>(), &[FrameRange { start: 0, end: 99 }], None)),
            [(0, 0, 20), (1, 0, 20)]
        );
    }

    #[test]
    fn cuts_and_long_absences_end_tracks_and_short_ones_do_not() {
        let shots = [FrameRange { start: 0, end: 50 }, FrameRange { start: 50, end: 200 }];
        let frames = (0..10).chain(30..60).chain(90..95);
        let sightings: Vec<_> = frames.map(|n| at(n, 0, 0.0)).collect();
        assert_eq!(numbers(&tracks(&sightings, &shots, None)), [(0, 0, 30), (1, 1, 10), (2, 1, 5)]);
    }

    #[test]
    fn known_tracks_are_taken_as_they_are() {
        let shots = [FrameRange { start: 0, end: 5 }, FrameRange { start: 5, end: 200 }];
        let sightings: Vec<_> = (0..10).flat_map(|n| [at(n, 0, 0.0), at(n, 1, 1.0)]).collect();
        let known = (0..10).map(|n| ((n, 1), 7)).collect();
        assert_eq!(numbers(&tracks(&sightings, &shots, Some(&known))), [(7, 0, 5), (7, 1, 5)]);
    }
}
