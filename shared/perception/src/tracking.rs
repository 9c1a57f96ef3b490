//! Things followed through footage: which of this frame is which of the frames before.
//!
//! Two-stage association after ByteTrack (Zhang et al. 2022): what is surely there continues tracks first, also lost ones; what is
//! hardly found continues tracks that were seen just before; what is left and surely there begins a track. How far a thing agrees
//! with a track is the stage's to say ([`Association`]); pairs are made one to one with the largest sum of agreement.
//!
//! Times are presentation times, so that tracks are the same at any frame rate and sampling.
use framefleet_frames::TrackEnd;
use framefleet_vision::assignment::assign;

/// The second stage wants more agreement than the first: what is hardly found is often something else.
const WEAK: f32 = 1.5;
/// Most agreement that the second stage asks for.
const MAX_WEAK: f32 = 0.9;

/// How observations of a stage continue its tracks.
pub trait Association {
    /// A thing in one frame: a box, a face, a mask.
    type Observation;
    /// What is remembered of a track.
    type State;

    /// What an observation may do; anything by default.
    fn role(&self, _observation: &Self::Observation) -> Role {
        Role::Begins
    }

    /// Moves a track on to the next frame, so many nanoseconds after the one before, in which it was `seen` or not.
    fn predict(&self, _state: &mut Self::State, _elapsed_ns: i64, _seen: bool) {}

    /// How far an observation agrees with a track, 0–1.
    fn affinity(&self, state: &Self::State, observation: &Self::Observation) -> f32;

    /// A track that begins with an observation.
    fn begin(&self, observation: Self::Observation) -> Self::State;

    /// Continues a track by an observation.
    fn update(&self, state: &mut Self::State, observation: Self::Observation);

    /// Frees what a track needs no more once it has ended.
    fn end(&self, _state: &mut Self::State) {}
}

/// What an observation may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Continue any track, or begin one.
    Begins,
    /// Continue any track, but begin none.
    Continues,
    /// Continue a track that was seen in the frame before, if it agrees half as much again as others have to.
    Weak,
}

/// A thing followed through frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Track<S> {
    /// Where it was seen: the frame, and the instance in it; ascending, at least one.
    pub seen: Vec<(u64, u32)>,
    /// Why it ends.
    pub ended: TrackEnd,
    /// What the stage remembers of it.
    pub state: S,
    order: usize,
}

impl<S> Track<S> {
    /// The first frame that has it.
    pub fn first(&self) -> u64 {
        self.seen.first().map_or(0, |(frame, _)| *frame)
    }

    /// The last frame that has it.
    pub fn last(&self) -> u64 {
        self.seen.last().map_or(0, |(frame, _)| *frame)
    }
}

/// A track that may go on.
struct Live<S> {
    track: Track<S>,
    last_ns: i64,
    /// Whether it was seen in the latest frame.
    fresh: bool,
}

/// The tracks of one item. Memory: 16 bytes per observation, and a state per track.
pub struct TrackSet<A: Association> {
    association: A,
    min_affinity: f32,
    gap_ns: i64,
    live: Vec<Live<A::State>>,
    ended: Vec<Track<A::State>>,
    latest_ns: Option<i64>,
    begun: usize,
}

impl<A: Association> TrackSet<A> {
    /// No tracks yet. An observation continues a track when they agree by `min_affinity` (above 0, up to 1) or more; a track that was not
    /// seen in the latest frame ends when it was last seen more than `gap_seconds` ago.
    pub fn new(association: A, min_affinity: f64, gap_seconds: f64) -> Self {
        Self {
            association,
            min_affinity: min_affinity as f32,
            gap_ns: (gap_seconds * 1e9) as i64,
            live: Vec::new(),
            ended: Vec::new(),
            latest_ns: None,
            begun: 0,
        }
    }

    /// A shot ends: no track goes on.
    pub fn cut(&mut self) {
        self.end_all(TrackEnd::Cut);
    }

    /// Takes in the next frame with its observations, each with its instance.
    pub fn frame(&mut self, frame: u64, pts_ns: i64, observed: impl IntoIterator<Item = (u32, A::Observation)>) {
        self.end_lost(pts_ns);
        let elapsed = self.latest_ns.replace(pts_ns).map_or(0, |latest| (pts_ns - latest).max(0));
        for live in &mut self.live {
            self.association.predict(&mut live.track.state, elapsed, live.fresh);
        }
        let (instances, observed): (Vec<u32>, Vec<A::Observation>) = observed.into_iter().unzip();
        let continued = self.associate(&observed);
        self.live.iter_mut().for_each(|live| live.fresh = false);
        for ((instance, observation), track) in instances.into_iter().zip(observed).zip(continued) {
            match track {
                Some(at) => {
                    let live = &mut self.live[at];
                    self.association.update(&mut live.track.state, observation);
                    live.track.seen.push((frame, instance));
                    (live.last_ns, live.fresh) = (pts_ns, true);
                }
                None if self.association.role(&observation) == Role::Begins => {
                    let (seen, state) = (vec![(frame, instance)], self.association.begin(observation));
                    let track = Track { seen, ended: TrackEnd::Unspecified, state, order: self.begun };
                    self.live.push(Live { track, last_ns: pts_ns, fresh: true });
                    self.begun += 1;
                }
                None => {}
            }
        }
    }

    /// All tracks that were seen in at least so many frames, by their beginning: a track's number is its place here.
    pub fn finish(mut self, min_frames: usize) -> Vec<Track<A::State>> {
        self.end_all(TrackEnd::Footage);
        self.ended.retain(|track| track.seen.len() >= min_frames);
        self.ended.sort_by_key(|track| track.order);
        self.ended
    }

    /// For each observation the place of the live track that it continues.
    fn associate(&self, observed: &[A::Observation]) -> Vec<Option<usize>> {
        let is_weak = |at: &usize| self.association.role(&observed[*at]) == Role::Weak;
        let (weak, sure): (Vec<usize>, Vec<usize>) = (0..observed.len()).partition(is_weak);
        let all: Vec<usize> = (0..self.live.len()).collect();
        let mut continued = vec![None; observed.len()];
        self.pair(&all, &sure, self.min_affinity, observed, &mut continued);
        let rest: Vec<usize> =
            all.into_iter().filter(|track| self.live[*track].fresh && !continued.contains(&Some(*track))).collect();
        self.pair(&rest, &weak, (WEAK * self.min_affinity).min(MAX_WEAK), observed, &mut continued);
        continued
    }

    /// Notes which of the observations at `places` continue which of the tracks.
    fn pair(
        &self,
        tracks: &[usize],
        places: &[usize],
        min_affinity: f32,
        observed: &[A::Observation],
        continued: &mut [Option<usize>],
    ) {
        let affinity = |track: usize, place: usize| {
            self.association.affinity(&self.live[tracks[track]].track.state, &observed[places[place]])
        };
        for (track, place) in assign(tracks.len(), places.len(), min_affinity, affinity) {
            continued[places[place]] = Some(tracks[track]);
        }
    }

    fn end_lost(&mut self, now: i64) {
        let lost = self.live.extract_if(.., |live| !live.fresh && now - live.last_ns > self.gap_ns);
        self.ended.extend(lost.map(|live| ended(&self.association, live.track, TrackEnd::Lost)));
    }

    fn end_all(&mut self, why: TrackEnd) {
        // What was lost before the end did not leave with it.
        let why = |fresh: bool| if fresh { why } else { TrackEnd::Lost };
        let all = self.live.drain(..);
        self.ended.extend(all.map(|live| ended(&self.association, live.track, why(live.fresh))));
    }
}

fn ended<A: Association>(association: &A, mut track: Track<A::State>, why: TrackEnd) -> Track<A::State> {
    association.end(&mut track.state);
    track.ended = why;
    track
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoxFilter;
    use framefleet_vision::boxes::{BBox, iou};

    const MS: i64 = 1_000_000;

    /// Boxes with a score, predicted by the filter; below .5 they are weak, below .6 they begin nothing.
    struct Boxes;

    impl Association for Boxes {
        type Observation = (BBox, f32);
        type State = BoxFilter;

        fn role(&self, (_, score): &(BBox, f32)) -> Role {
            match score {
                ..0.5 => Role::Weak,
                0.5..0.6 => Role::Continues,
                _ => Role::Begins,
            }
        }

        fn predict(&self, filter: &mut BoxFilter, elapsed_ns: i64, seen: bool) {
            filter.predict(elapsed_ns, seen);
        }

        fn affinity(&self, filter: &BoxFilter, (bbox, _): &(BBox, f32)) -> f32 {
            iou(&filter.bbox(), bbox)
        }

        fn begin(&self, (bbox, _): (BBox, f32)) -> BoxFilter {
            BoxFilter::new(&bbox)
        }

        fn update(&self, filter: &mut BoxFilter, (bbox, _): (BBox, f32)) {
            filter.update(&bbox);
        }
    }

    /// A box 40 wide and 80 high, whose left side is at x.
    fn at(x: f32) -> (BBox, f32) {
        ([x, 0.0, x + 40.0, 80.0], 0.9)
    }

    /// Tracks of frames that are `step_ms` apart, with cuts before some of them.
    fn tracks(frames: &[Vec<(BBox, f32)>], step_ms: i64, cuts: &[usize], gap: f64) -> Vec<Track<BoxFilter>> {
        let mut set = TrackSet::new(Boxes, 0.2, gap);
        for (number, boxes) in frames.iter().enumerate() {
            if cuts.contains(&number) {
                set.cut();
            }
            set.frame(number as u64, number as i64 * step_ms * MS, (0..).zip(boxes.iter().copied()));
        }
        set.finish(1)
    }

    fn spans(tracks: &[Track<BoxFilter>]) -> Vec<(u64, u64, usize, TrackEnd)> {
        tracks.iter().map(|track| (track.first(), track.last(), track.seen.len(), track.ended)).collect()
    }

    /// One goes right, one goes left, on the same row; within 50 pixels of each other only one box is found.
    #[test]
    fn things_that_cross_keep_their_tracks() {
        let frame = |n: i32| {
            let (a, b) = (n as f32 * 8.0, 400.0 - n as f32 * 8.0);
            match (a - b).abs() < 50.0 {
                true => vec![at(a)],
                false if a < b => vec![at(a), at(b)],
                false => vec![at(b), at(a)],
            }
        };
        let found = tracks(&(0..51).map(frame).collect::<Vec<_>>(), 40, &[], 1.0);
        assert_eq!(found.len(), 2, "{:?}", spans(&found));
        for (track, (before, behind)) in found.iter().zip([(0, 1), (1, 0)]) {
            let switches = track.seen.iter().filter(|(frame, instance)| {
                (*frame < 20 && *instance != before) || (*frame > 30 && *instance != behind)
            });
            assert_eq!(switches.count(), 0, "{:?}", track.seen);
        }
    }

    /// A gap is time: at twice the rate it has twice as many frames.
    #[test]
    fn a_track_survives_a_gap_of_so_many_seconds_at_any_rate() {
        for (step_ms, missing, survives) in [(100, 4, true), (100, 6, false), (20, 24, true), (20, 26, false)] {
            let mut frames = vec![vec![at(0.0)]; 2];
            frames.extend(vec![Vec::new(); missing]);
            frames.push(vec![at(0.0)]);
            let found = tracks(&frames, step_ms, &[], 0.5);
            assert_eq!(found.len(), if survives { 1 } else { 2 }, "{missing} frames of {step_ms} ms");
        }
        // Frames further apart than the gap follow each other all the same.
        assert_eq!(tracks(&vec![vec![at(0.0)]; 4], 2000, &[], 0.5).len(), 1);
    }

    #[test]
    fn a_cut_ends_what_was_there_and_not_what_was_lost_before() {
        let here = vec![at(0.0), at(300.0)];
        let frames = [here.clone(), vec![at(0.0)], here];
        let found = spans(&tracks(&frames, 40, &[2], 1.0));
        let footage = TrackEnd::Footage;
        assert_eq!(
            found,
            [(0, 1, 2, TrackEnd::Cut), (0, 0, 1, TrackEnd::Lost), (2, 2, 1, footage), (2, 2, 1, footage)]
        );
    }

    #[test]
    fn what_is_hardly_found_goes_on_and_begins_nothing() {
        let weak = |x: f32| (at(x).0, 0.3);
        let frames = [vec![at(0.0)], vec![weak(0.0), weak(300.0), (at(600.0).0, 0.55)], vec![weak(0.0)]];
        assert_eq!(spans(&tracks(&frames, 40, &[], 1.0)), [(0, 2, 3, TrackEnd::Footage)]);
        // What was lost is not found again by something that is hardly there; nor by a box that hardly overlaps.
        let lost = [vec![at(0.0)], vec![], vec![weak(0.0)]];
        assert_eq!(tracks(&lost, 40, &[], 1.0)[0].seen, [(0, 0)]);
        let apart = [vec![at(0.0)], vec![weak(24.0)]];
        assert_eq!(tracks(&apart, 40, &[], 1.0)[0].seen, [(0, 0)]);
        assert_eq!(tracks(&[vec![at(0.0)], vec![at(24.0)]], 40, &[], 1.0).len(), 1);
    }

    #[test]
    fn numbers_are_by_beginning_of_those_that_are_confirmed() {
        let mut set = TrackSet::new(Boxes, 0.2, 0.1);
        for number in 0..6 {
            let boxes = if number == 1 { vec![at(900.0), at(0.0), at(300.0)] } else { vec![at(300.0)] };
            set.frame(number, number as i64 * 40 * MS, (0..).zip(boxes));
        }
        let all = set.finish(1);
        assert_eq!(all.iter().map(|track| track.seen[0]).collect::<Vec<_>>(), [(0, 0), (1, 0), (1, 1)]);
        assert_eq!(all.iter().filter(|track| track.seen.len() >= 3).count(), 1);
    }
}
