//! Tracks: one person's face, followed over the frames of a shot.
use crate::face::crops::cosine;
use crate::settings::FaceClusteringSettings;
use framefleet_frames::Face;
use framefleet_perception::{Association, TrackSet};
use framefleet_vision::boxes::{self, BBox};

/// Pairs of a face and a track that are less similar in place and looks together are not made.
const MIN_AFFINITY: f64 = 0.25;
/// A face that overlaps a track's last one by this much continues it even if it shows too little to be recognised.
const SAME_PLACE: f32 = 0.5;
/// How far a face may have moved since, in sizes of it.
const REACH: f32 = 1.5;

/// A face as a track remembers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceAt {
    /// The frame.
    pub frame: u64,
    /// Its number in the frame.
    pub instance: u32,
    /// Quality, 0–1.
    pub quality: f32,
}

/// Faces that are one person's.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Index of its item among the job's.
    pub item: usize,
    /// From 0, within the item.
    pub number: u32,
    /// Its faces, in frame order.
    pub faces: Vec<FaceAt>,
    /// Mean of its faces' vectors by quality, of length 1; empty when none of its faces has one.
    pub vector: Vec<f32>,
}

impl Track {
    /// The track of this number of an item (by its index), as it was followed.
    pub fn of(item: usize, number: u32, followed: framefleet_perception::Track<Followed>) -> Self {
        let Followed { qualities, sum, .. } = followed.state;
        let face = |((frame, instance), quality)| FaceAt { frame, instance, quality };
        let length = length(&sum);
        let vector = if length > 0.0 { sum.iter().map(|value| value / length).collect() } else { Vec::new() };
        Self { item, number, faces: followed.seen.into_iter().zip(qualities).map(face).collect(), vector }
    }

    /// Its best face.
    pub fn best(&self) -> Option<FaceAt> {
        let better = |a: &FaceAt, b: &FaceAt| a.quality.total_cmp(&b.quality).then(b.frame.cmp(&a.frame));
        self.faces.iter().copied().max_by(better)
    }

    /// Quality of its best face.
    pub fn quality(&self) -> f32 {
        self.best().map_or(0.0, |best| best.quality)
    }
}

/// A face that is followed.
#[derive(Default)]
pub struct Followed {
    bbox: BBox,
    /// Of its faces, in frame order.
    qualities: Vec<f32>,
    /// Sum of the vectors by quality, not of length 1.
    sum: Vec<f32>,
}

/// How faces continue tracks: by place and looks.
pub struct Faces<'s> {
    settings: &'s FaceClusteringSettings,
}

/// Follows the faces of an item.
pub fn tracks(settings: &FaceClusteringSettings) -> TrackSet<Faces<'_>> {
    TrackSet::new(Faces { settings }, MIN_AFFINITY, settings.track_gap_seconds)
}

impl Association for Faces<'_> {
    type Observation = Face;
    type State = Followed;

    /// Half by place, half by looks.
    fn affinity(&self, followed: &Followed, face: &Face) -> f32 {
        let Some(bbox) = bbox(face) else { return 0.0 };
        let overlap = boxes::iou(&followed.bbox, &bbox);
        let looks = cosine(&followed.sum, &face.embedding) / length(&followed.sum).max(f32::EPSILON);
        let recognised = looks >= self.settings.track_similarity as f32 && near(&followed.bbox, &bbox);
        let weak = quality(face) < self.settings.min_quality as f32;
        if recognised || (overlap >= SAME_PLACE && (weak || followed.sum.is_empty())) {
            0.5 * overlap + 0.5 * looks.max(0.0)
        } else {
            0.0
        }
    }

    fn begin(&self, face: Face) -> Followed {
        let mut followed = Followed::default();
        self.update(&mut followed, face);
        followed
    }

    fn update(&self, followed: &mut Followed, face: Face) {
        followed.bbox = bbox(&face).unwrap_or(followed.bbox);
        followed.qualities.push(quality(&face));
        if followed.sum.is_empty() {
            followed.sum = vec![0.0; face.embedding.len()];
        }
        // No face counts nothing: a track of bad faces has a direction, too.
        let weight = quality(&face).max(0.01);
        followed.sum.iter_mut().zip(&face.embedding).for_each(|(sum, value)| *sum += weight * value);
    }
}

fn quality(face: &Face) -> f32 {
    face.quality.map_or(0.0, |quality| quality.value)
}

/// Length of a vector.
pub fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn bbox(face: &Face) -> Option<BBox> {
    face.r#box.as_slice().try_into().ok()
}

/// Whether a face could have moved from one place to the other.
fn near(a: &BBox, b: &BBox) -> bool {
    let centre = |of: &BBox| [(of[0] + of[2]) / 2.0, (of[1] + of[3]) / 2.0];
    let size = |of: &BBox| (of[2] - of[0]).max(of[3] - of[1]);
    let ([ax, ay], [bx, by]) = (centre(a), centre(b));
    (ax - bx).hypot(ay - by) <= REACH * size(a).max(size(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::FaceQuality;

    fn face(x: f32, vector: [f32; 2], quality: f32) -> Face {
        let quality = FaceQuality { value: quality, ..FaceQuality::default() };
        Face {
            r#box: vec![x, 0.0, x + 20.0, 25.0],
            embedding: vector.to_vec(),
            quality: Some(quality),
            ..Face::default()
        }
    }

    const ONE: [f32; 2] = [1.0, 0.0];
    const OTHER: [f32; 2] = [0.0, 1.0];

    /// The numbers of tracks that frames of faces, so many milliseconds apart, become: per frame, per face.
    fn followed(frames: &[Vec<Face>], cuts: &[usize], step_ms: i64) -> Vec<Vec<u32>> {
        let settings = FaceClusteringSettings::default();
        let mut tracks = tracks(&settings);
        for (frame, faces) in frames.iter().enumerate() {
            if cuts.contains(&frame) {
                tracks.cut();
            }
            tracks.frame(frame as u64, frame as i64 * step_ms * 1_000_000, (0..).zip(faces.iter().cloned()));
        }
        let mut numbers: Vec<Vec<u32>> = frames.iter().map(|faces| vec![u32::MAX; faces.len()]).collect();
        for (number, track) in (0..).zip(tracks.finish(1)) {
            track.seen.iter().for_each(|(frame, instance)| numbers[*frame as usize][*instance as usize] = number);
        }
        numbers
    }

    #[test]
    fn two_persons_who_cross_keep_their_tracks() {
        let frames: Vec<Vec<Face>> = (0..21)
            .map(|n| {
                let (left, right) = (face(n as f32 * 4.0, ONE, 0.8), face(80.0 - n as f32 * 4.0, OTHER, 0.8));
                if n <= 10 { vec![left, right] } else { vec![right, left] }
            })
            .collect();
        let tracks = followed(&frames, &[], 40);
        assert!(tracks[..11].iter().all(|of| *of == [0, 1]), "{tracks:?}");
        assert!(tracks[11..].iter().all(|of| *of == [1, 0]), "{tracks:?}");
    }

    #[test]
    fn cuts_and_long_absences_end_tracks_and_short_ones_do_not() {
        let here = || vec![face(10.0, ONE, 0.8)];
        assert_eq!(followed(&[here(), here(), here()], &[2], 40), [[0], [0], [1]]);
        let mut frames = vec![here()];
        frames.extend(vec![Vec::new(); 5]);
        frames.push(here());
        assert_eq!(followed(&frames, &[], 40)[6], [0]);
        frames.splice(1..1, vec![Vec::new(); 20]);
        assert_eq!(followed(&frames, &[], 40)[26], [1]);
    }

    #[test]
    fn another_person_in_the_same_place_is_another_track_unless_hardly_visible() {
        assert_eq!(followed(&[vec![face(10.0, ONE, 0.8)], vec![face(10.0, OTHER, 0.8)]], &[], 40), [[0], [1]]);
        assert_eq!(followed(&[vec![face(10.0, ONE, 0.8)], vec![face(11.0, OTHER, 0.05)]], &[], 40), [[0], [0]]);
    }

    /// Sampled footage: two persons who stay for ten seconds, looked at once in each.
    #[test]
    fn frames_further_apart_than_the_gap_continue_tracks() {
        let frames = vec![vec![face(10.0, ONE, 0.8), face(60.0, OTHER, 0.8)]; 10];
        assert!(followed(&frames, &[], 1000).iter().all(|of| *of == [0, 1]));
    }
}
