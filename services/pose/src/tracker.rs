//! Who of this frame is who of the frames before: two-stage association after ByteTrack (Zhang et al. 2022), by keypoints and
//! boxes together. Persons that are surely there continue tracks first, also lost ones; those that are hardly found continue
//! tracks that were seen just before; what is left and surely there begins a track.
use crate::PoseSettings;
use crate::kalman::BoxFilter;
use crate::series::{FramePoses, Seen};
use crate::skeleton::{Keypoints, similarity};
use framefleet_media::TrackEnd;
use framefleet_vision::assignment::assign;
use framefleet_vision::boxes;

/// The filters' unit of time, nanoseconds.
const TICK_NS: f64 = 1e9 / 30.0;
/// The second stage wants more agreement than the first: what is hardly found is often something else.
const WEAK: f32 = 1.5;
/// Most agreement that may be asked for.
const MOST: f32 = 0.9;

/// A person followed through frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Where the person was seen: index of the frame in the series, index of the person in the frame; ascending.
    pub seen: Vec<(usize, usize)>,
    /// Why it ends.
    pub ended: TrackEnd,
}

/// A track in the making.
struct Live {
    track: Track,
    filter: BoxFilter,
    /// The keypoints and the box where it was seen last.
    keypoints: Keypoints,
    corners: boxes::Corners,
    last_ns: i64,
    /// Whether it was seen in the frame before this one.
    fresh: bool,
}

/// The tracks of an item, by their beginning. `cuts` are numbers of frames that begin shots, ascending.
pub fn tracks(frames: &[FramePoses], cuts: &[u64], settings: &PoseSettings) -> Vec<Track> {
    let mut tracker = Tracker { settings, live: Vec::new(), done: Vec::new() };
    let mut previous: Option<&FramePoses> = None;
    for (at, frame) in frames.iter().enumerate() {
        let begun = |number: u64| cuts.partition_point(|cut| *cut <= number);
        if previous.is_some_and(|previous| begun(previous.number) < begun(frame.number)) {
            tracker.end_all(TrackEnd::Cut);
        }
        let elapsed = previous.map_or(0, |previous| frame.pts_ns - previous.pts_ns);
        tracker.step(at, frame, elapsed as f64 / TICK_NS);
        previous = Some(frame);
    }
    tracker.end_all(TrackEnd::Footage);
    let mut done = tracker.done;
    done.retain(|track| track.seen.len() >= settings.min_track_frames as usize);
    done.sort_by_key(|track| track.seen.first().copied());
    done
}

struct Tracker<'a> {
    settings: &'a PoseSettings,
    live: Vec<Live>,
    done: Vec<Track>,
}

impl Tracker<'_> {
    fn end_all(&mut self, why: TrackEnd) {
        let ended = self.live.drain(..).map(|live| {
            // Who was lost before the end did not leave with it.
            let ended = if live.fresh { why } else { TrackEnd::Lost };
            Track { ended, ..live.track }
        });
        self.done.extend(ended);
    }

    /// Takes in a frame, so many ticks after the one before.
    fn step(&mut self, at: usize, frame: &FramePoses, ticks: f64) {
        self.end_lost(frame.pts_ns);
        for live in &mut self.live {
            live.filter.predict(ticks.max(0.0), live.fresh);
        }
        let is_sure = |person: &usize| f64::from(frame.persons[*person].score) >= self.settings.track_score;
        let (sure, weak): (Vec<usize>, Vec<usize>) = (0..frame.persons.len()).partition(is_sure);
        let least = self.settings.track_similarity as f32;
        let all: Vec<usize> = (0..self.live.len()).collect();
        let mut taken = self.associate(at, frame, &all, &sure, least);
        let rest: Vec<usize> =
            all.into_iter().filter(|&live| self.live[live].fresh && !taken.0.contains(&live)).collect();
        let second = self.associate(at, frame, &rest, &weak, (WEAK * least).min(MOST));
        taken.0.extend(second.0);
        for (index, live) in self.live.iter_mut().enumerate() {
            live.fresh = taken.0.contains(&index);
        }
        for person in sure.into_iter().filter(|person| !taken.1.contains(person)) {
            let seen = &frame.persons[person];
            if f64::from(seen.score) >= self.settings.new_track_score {
                self.live.push(Live::new(at, person, seen, frame.pts_ns));
            }
        }
    }

    fn end_lost(&mut self, now: i64) {
        let most = (self.settings.lost_seconds * 1e9) as i64;
        let lost = self.live.extract_if(.., |live| !live.fresh && now - live.last_ns > most);
        self.done.extend(lost.map(|live| Track { ended: TrackEnd::Lost, ..live.track }));
    }

    /// Continues tracks by persons; the tracks and persons that found each other.
    fn associate(
        &mut self,
        at: usize,
        frame: &FramePoses,
        tracks: &[usize],
        persons: &[usize],
        least: f32,
    ) -> (Vec<usize>, Vec<usize>) {
        let visibility = self.settings.min_visibility as f32;
        let pairs = assign(tracks.len(), persons.len(), least, |track, person| {
            self.live[tracks[track]].agreement(&frame.persons[persons[person]], visibility)
        });
        let mut taken = (Vec::new(), Vec::new());
        for (track, person) in pairs {
            let (track, person) = (tracks[track], persons[person]);
            self.live[track].take(at, person, &frame.persons[person], frame.pts_ns);
            taken.0.push(track);
            taken.1.push(person);
        }
        taken
    }
}

impl Live {
    fn new(at: usize, person: usize, seen: &Seen, now: i64) -> Self {
        Self {
            track: Track { seen: vec![(at, person)], ended: TrackEnd::Unspecified },
            filter: BoxFilter::new(&seen.corners),
            keypoints: seen.keypoints,
            corners: seen.corners,
            last_ns: now,
            fresh: true,
        }
    }

    fn take(&mut self, at: usize, person: usize, seen: &Seen, now: i64) {
        self.filter.update(&seen.corners);
        self.track.seen.push((at, person));
        (self.keypoints, self.corners, self.last_ns) = (seen.keypoints, seen.corners, now);
    }

    /// How far a person agrees with where the track should be, 0–1: the mean of the boxes' overlap and of the similarity of the
    /// keypoints, moved along with the box. Limbs swing, so keypoints alone would let go of who walks; boxes alone mix up who
    /// passes whom.
    fn agreement(&self, seen: &Seen, min_visibility: f32) -> f32 {
        let expected = self.filter.corners();
        let centre = |corners: &boxes::Corners| [(corners[0] + corners[2]) / 2.0, (corners[1] + corners[3]) / 2.0];
        let (now, then) = (centre(&expected), centre(&self.corners));
        let moved = self.keypoints.map(|[x, y, v]| [x + now[0] - then[0], y + now[1] - then[1], v]);
        let area = boxes::area(&seen.corners).max(boxes::area(&expected));
        let overlap = boxes::iou(&expected, &seen.corners);
        (overlap + similarity(&moved, &seen.keypoints, area, min_visibility)) / 2.0
    }
}
