//! Who of this frame is who of the frames before: by keypoints and boxes together.
use crate::PoseSettings;
use crate::skeleton::{Keypoints, similarity};
use crate::tracks::series::{FramePoses, PoseObservation};
use framefleet_perception::{Association, BoxFilter, Role, Track, TrackSet};
use framefleet_vision::boxes;

/// A person as a track remembers it.
#[derive(Clone, Debug)]
pub struct Followed {
    filter: BoxFilter,
    /// The keypoints and the box where it was seen last.
    keypoints: Keypoints,
    bbox: boxes::BBox,
}

/// The tracks of an item, by their beginning.
pub fn tracks<'a>(frames: &'a [FramePoses], settings: &'a PoseSettings) -> Vec<Track<Followed>> {
    let mut tracks = TrackSet::new(Persons { settings }, settings.track_similarity, settings.lost_seconds);
    for frame in frames {
        if frame.cut {
            tracks.cut();
        }
        tracks.frame(frame.number, frame.pts_ns, frame.persons.iter().map(|seen| (seen.instance, seen)));
    }
    tracks.finish(settings.min_track_frames as usize)
}

/// Persons of an item's frames, which live as long as the settings here.
struct Persons<'a> {
    settings: &'a PoseSettings,
}

impl<'a> Association for Persons<'a> {
    type Observation = &'a PoseObservation;
    type State = Followed;

    fn role(&self, seen: &&'a PoseObservation) -> Role {
        match f64::from(seen.score) {
            score if score < self.settings.track_score => Role::Weak,
            score if score < self.settings.new_track_score => Role::Continues,
            _ => Role::Begins,
        }
    }

    fn predict(&self, person: &mut Followed, elapsed_ns: i64, seen: bool) {
        person.filter.predict(elapsed_ns, seen);
    }

    /// The mean of the boxes' overlap and of the similarity of the keypoints, moved along with the box. Limbs swing, so keypoints alone
    /// would lose who walks; boxes alone mix up who passes whom.
    fn affinity(&self, person: &Followed, seen: &&'a PoseObservation) -> f32 {
        let expected = person.filter.bbox();
        let centre = |bbox: &boxes::BBox| [(bbox[0] + bbox[2]) / 2.0, (bbox[1] + bbox[3]) / 2.0];
        let (now, then) = (centre(&expected), centre(&person.bbox));
        let moved = person.keypoints.map(|[x, y, v]| [x + now[0] - then[0], y + now[1] - then[1], v]);
        let area = boxes::area(&seen.bbox).max(boxes::area(&expected));
        let overlap = boxes::iou(&expected, &seen.bbox);
        (overlap + similarity(&moved, &seen.keypoints, area, self.settings.min_visibility as f32)) / 2.0
    }

    fn begin(&self, seen: &'a PoseObservation) -> Followed {
        Followed { filter: BoxFilter::new(&seen.bbox), keypoints: seen.keypoints, bbox: seen.bbox }
    }

    fn update(&self, person: &mut Followed, seen: &'a PoseObservation) {
        person.filter.update(&seen.bbox);
        (person.keypoints, person.bbox) = (seen.keypoints, seen.bbox);
    }
}
