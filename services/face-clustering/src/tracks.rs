//! Tracks: one person's face, followed over the frames of a shot.
use crate::crops::cosine;
use crate::settings::FaceClusteringSettings;
use framefleet_media::Face;
use framefleet_vision::assignment::assign;
use framefleet_vision::boxes::{self, Corners};

/// Pairs of a face and a track that are less alike in place and looks together are not made.
const LEAST: f32 = 0.25;
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

/// A track that may go on.
struct Open {
    track: Track,
    corners: Corners,
    pts_ns: i64,
    /// Sum of the vectors by quality, not of length 1.
    sum: Vec<f32>,
}

/// Follows the faces of one item; give it the frames in order.
pub struct Tracker<'s> {
    settings: &'s FaceClusteringSettings,
    item: usize,
    open: Vec<Open>,
    done: Vec<Track>,
    count: u32,
}

impl<'s> Tracker<'s> {
    /// A tracker for the item of this index.
    pub fn new(item: usize, settings: &'s FaceClusteringSettings) -> Self {
        Self { settings, item, open: Vec::new(), done: Vec::new(), count: 0 }
    }

    /// The shot ends: no track goes on.
    pub fn cut(&mut self) {
        let ended = std::mem::take(&mut self.open);
        self.done.extend(ended.into_iter().map(ended_track));
    }

    /// The faces of the next frame, with their instances.
    pub fn add(&mut self, frame: u64, pts_ns: i64, faces: &[(u32, &Face)]) {
        let gap_ns = (self.settings.track_gap_seconds * 1e9) as i64;
        let (open, ended): (Vec<Open>, Vec<Open>) =
            std::mem::take(&mut self.open).into_iter().partition(|open| pts_ns - open.pts_ns <= gap_ns);
        self.open = open;
        self.done.extend(ended.into_iter().map(ended_track));
        let pairs =
            assign(self.open.len(), faces.len(), LEAST, |track, face| self.likeness(&self.open[track], faces[face].1));
        let mut continued = vec![None; faces.len()];
        pairs.iter().for_each(|&(track, face)| continued[face] = Some(track));
        for ((instance, face), track) in faces.iter().zip(continued) {
            let index = track.unwrap_or_else(|| self.begin());
            self.open[index].push(frame, pts_ns, *instance, face);
        }
    }

    /// All tracks, by number.
    pub fn finish(mut self) -> Vec<Track> {
        self.cut();
        self.done.sort_by_key(|track| track.number);
        self.done
    }

    fn begin(&mut self) -> usize {
        let track = Track { item: self.item, number: self.count, ..Track::default() };
        self.count += 1;
        self.open.push(Open { track, corners: [0.0; 4], pts_ns: 0, sum: Vec::new() });
        self.open.len() - 1
    }

    /// How well a face continues a track, 0–1: half by place, half by looks.
    fn likeness(&self, open: &Open, face: &Face) -> f32 {
        let Some(corners) = corners(face) else { return 0.0 };
        let overlap = boxes::iou(&open.corners, &corners);
        let looks = cosine(&open.sum, &face.embedding) / length(&open.sum).max(f32::EPSILON);
        let recognised = looks >= self.settings.track_similarity as f32 && near(&open.corners, &corners);
        let weak = face.quality.map_or(0.0, |quality| quality.value) < self.settings.min_quality as f32;
        if recognised || (overlap >= SAME_PLACE && (weak || open.sum.is_empty())) {
            0.5 * overlap + 0.5 * looks.max(0.0)
        } else {
            0.0
        }
    }
}

impl Open {
    fn push(&mut self, frame: u64, pts_ns: i64, instance: u32, face: &Face) {
        let quality = face.quality.map_or(0.0, |quality| quality.value);
        self.track.faces.push(FaceAt { frame, instance, quality });
        (self.pts_ns, self.corners) = (pts_ns, corners(face).unwrap_or(self.corners));
        if self.sum.is_empty() {
            self.sum = vec![0.0; face.embedding.len()];
        }
        // No face counts nothing: a track of bad faces has a direction, too.
        let weight = quality.max(0.01);
        self.sum.iter_mut().zip(&face.embedding).for_each(|(sum, value)| *sum += weight * value);
    }
}

fn ended_track(open: Open) -> Track {
    let length = length(&open.sum);
    let vector = if length > 0.0 { open.sum.iter().map(|value| value / length).collect() } else { Vec::new() };
    Track { vector, ..open.track }
}

/// Length of a vector.
pub fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn corners(face: &Face) -> Option<Corners> {
    face.r#box.as_slice().try_into().ok()
}

/// Whether a face could have moved from one place to the other.
fn near(a: &Corners, b: &Corners) -> bool {
    let centre = |of: &Corners| [(of[0] + of[2]) / 2.0, (of[1] + of[3]) / 2.0];
    let size = |of: &Corners| (of[2] - of[0]).max(of[3] - of[1]);
    let ([ax, ay], [bx, by]) = (centre(a), centre(b));
    (ax - bx).hypot(ay - by) <= REACH * size(a).max(size(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_media::FaceQuality;

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

    /// The numbers of tracks that frames of faces become: per frame, per face.
    fn followed(frames: &[Vec<Face>], cuts: &[usize]) -> Vec<Vec<u32>> {
        let settings = FaceClusteringSettings::default();
        let mut tracker = Tracker::new(0, &settings);
        for (frame, faces) in frames.iter().enumerate() {
            if cuts.contains(&frame) {
                tracker.cut();
            }
            let faces: Vec<(u32, &Face)> = (0..).zip(faces).collect();
            tracker.add(frame as u64, frame as i64 * 40_000_000, &faces);
        }
        let mut numbers: Vec<Vec<u32>> = frames.iter().map(|faces| vec![u32::MAX; faces.len()]).collect();
        for track in tracker.finish() {
            track.faces.iter().for_each(|at| numbers[at.frame as usize][at.instance as usize] = track.number);
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
        let tracks = followed(&frames, &[]);
        assert!(tracks[..11].iter().all(|of| *of == [0, 1]), "{tracks:?}");
        assert!(tracks[11..].iter().all(|of| *of == [1, 0]), "{tracks:?}");
    }

    #[test]
    fn cuts_and_long_absences_end_tracks_and_short_ones_do_not() {
        let here = || vec![face(10.0, ONE, 0.8)];
        assert_eq!(followed(&[here(), here(), here()], &[2]), [[0], [0], [1]]);
        let mut frames = vec![here()];
        frames.extend(vec![Vec::new(); 5]);
        frames.push(here());
        assert_eq!(followed(&frames, &[])[6], [0]);
        frames.splice(1..1, vec![Vec::new(); 20]);
        assert_eq!(followed(&frames, &[])[26], [1]);
    }

    #[test]
    fn another_person_in_the_same_place_is_another_track_unless_hardly_visible() {
        assert_eq!(followed(&[vec![face(10.0, ONE, 0.8)], vec![face(10.0, OTHER, 0.8)]], &[]), [[0], [1]]);
        assert_eq!(followed(&[vec![face(10.0, ONE, 0.8)], vec![face(11.0, OTHER, 0.05)]], &[]), [[0], [0]]);
    }
}
