//! Who of one frame is who of the next: by the overlap of masks.
use framefleet_vision::assignment::assign;
use framefleet_vision::run_lengths::Runs;

/// A mask of a frame, for following.
pub struct Seen {
    /// Its number in the frame.
    pub instance: u32,
    /// Whose eye it is of; objects are followed in each on its own.
    pub eye: String,
    /// The mask.
    pub runs: Runs,
    /// What the network calls it.
    pub label: String,
    /// How sure the network is.
    pub score: f32,
}

/// An object while it is followed, and what becomes of it.
pub struct Track {
    /// Its number, from 0 within the item.
    pub number: u32,
    /// Whose eye it is of.
    pub eye: String,
    /// What the network calls it.
    pub label: String,
    /// The frames that have it, and which instance it is in each.
    pub frames: Vec<(u64, u32)>,
    /// Sums over these.
    pub area: f64,
    /// See `area`.
    pub score: f64,
    /// Sum and number of overlaps (IoU) with the mask of the frame just before.
    pub overlaps: (f64, u64),
    mask: Runs,
}

/// Follows the objects of one item.
pub struct Follower {
    least: f32,
    gap: u64,
    next: u32,
    alive: Vec<Track>,
}

impl Follower {
    /// Masks that overlap by `least` (IoU) or more may be of one object, which may be away for `gap` frames.
    pub fn new(least: f64, gap: u64) -> Self {
        Self { least: least as f32, gap, next: 0, alive: Vec::new() }
    }

    /// Takes the masks of the next frame. `step` is how many frames after the last it comes when none is missing. Returns
    /// (instance, track) of each.
    pub fn frame(&mut self, frame: u64, step: u64, masks: Vec<Seen>, done: &mut Vec<Track>) -> Vec<(u32, u32)> {
        let most = self.gap + step;
        let (alive, gone) = std::mem::take(&mut self.alive).into_iter().partition(|track| frame - track.last() <= most);
        self.alive = alive;
        done.extend(gone);
        let similarity = |track: usize, mask: usize| {
            let (track, mask) = (&self.alive[track], &masks[mask]);
            let same = track.eye == mask.eye && track.label == mask.label;
            if same { track.mask.iou(&mask.runs) } else { 0.0 }
        };
        let pairs = assign(self.alive.len(), masks.len(), self.least, similarity);
        let mut numbers = Vec::with_capacity(masks.len());
        for (at, mask) in masks.into_iter().enumerate() {
            let instance = mask.instance;
            let number = match pairs.iter().find(|(_, mask)| *mask == at) {
                Some(&(track, _)) => {
                    self.alive[track].add(frame, step, mask);
                    self.alive[track].number
                }
                None => self.begin(frame, mask),
            };
            numbers.push((instance, number));
        }
        numbers
    }

    /// Ends all tracks: what comes next is another shot.
    pub fn cut(&mut self, done: &mut Vec<Track>) {
        done.append(&mut self.alive);
    }

    fn begin(&mut self, frame: u64, mask: Seen) -> u32 {
        let number = self.next;
        self.next += 1;
        let area = mask.runs.area() as f64;
        self.alive.push(Track {
            number,
            eye: mask.eye,
            label: mask.label,
            frames: vec![(frame, mask.instance)],
            area,
            score: f64::from(mask.score),
            overlaps: (0.0, 0),
            mask: mask.runs,
        });
        number
    }
}

impl Track {
    /// First frame that has it.
    pub fn first(&self) -> u64 {
        self.frames.first().map_or(0, |(frame, _)| *frame)
    }

    /// Last frame that has it.
    pub fn last(&self) -> u64 {
        self.frames.last().map_or(0, |(frame, _)| *frame)
    }

    fn add(&mut self, frame: u64, step: u64, mask: Seen) {
        if frame - self.last() <= step {
            self.overlaps.0 += f64::from(self.mask.iou(&mask.runs));
            self.overlaps.1 += 1;
        }
        self.frames.push((frame, mask.instance));
        self.area += mask.runs.area() as f64;
        self.score += f64::from(mask.score);
        self.mask = mask.runs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{self, Mat, Rect, Scalar};

    fn seen(instance: u32, x: i32) -> Seen {
        let mut mask = Mat::new_rows_cols_with_default(20, 200, core::CV_8UC1, Scalar::default()).unwrap();
        opencv::imgproc::rectangle(&mut mask, Rect::new(x, 2, 16, 16), Scalar::all(255.0), -1, 8, 0).unwrap();
        Seen { instance, eye: String::new(), label: "person".to_owned(), runs: Runs::of(&mask).unwrap(), score: 0.5 }
    }

    #[test]
    fn numbers_stay_with_objects_whatever_their_order() {
        let (mut follower, mut done) = (Follower::new(0.3, 2), Vec::new());
        assert_eq!(follower.frame(0, 1, vec![seen(0, 10), seen(1, 100)], &mut done), [(0, 0), (1, 1)]);
        assert_eq!(
            follower.frame(1, 1, vec![seen(0, 104), seen(1, 12), seen(2, 60)], &mut done),
            [(0, 1), (1, 0), (2, 2)]
        );
        // Away for two frames and back.
        assert_eq!(follower.frame(2, 1, vec![seen(0, 14)], &mut done), [(0, 0)]);
        assert_eq!(follower.frame(4, 1, vec![seen(0, 104), seen(1, 14)], &mut done), [(0, 1), (1, 0)]);
        // Away for too long, and after a cut.
        assert_eq!(follower.frame(8, 1, vec![seen(0, 104)], &mut done), [(0, 3)]);
        follower.cut(&mut done);
        assert_eq!(follower.frame(9, 1, vec![seen(0, 104)], &mut done), [(0, 4)]);
        follower.cut(&mut done);
        done.sort_by_key(|track| track.number);
        let spans: Vec<_> = done.iter().map(|track| (track.first(), track.last(), track.frames.len())).collect();
        assert_eq!(spans, [(0, 4, 4), (0, 4, 3), (1, 1, 1), (8, 8, 1), (9, 9, 1)]);
        let (sum, count) = done[0].overlaps;
        assert!(count == 2 && (sum / 2.0 - 14.0 / 18.0).abs() < 1e-6);
    }

    #[test]
    fn the_eyes_are_followed_on_their_own() {
        let (mut follower, mut done) = (Follower::new(0.3, 2), Vec::new());
        let right = Seen { eye: "right".to_owned(), ..seen(1, 10) };
        assert_eq!(follower.frame(0, 1, vec![seen(0, 10), right], &mut done), [(0, 0), (1, 1)]);
    }
}
