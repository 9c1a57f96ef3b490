//! Who of one frame is who of the next: by the person whose pose a mask was made for, else by the overlap of masks and of the boxes where
//! they should be.
use crate::finish::persons::Person;
use framefleet_masks::Rle;
use framefleet_perception::{Association, BoxFilter};
use framefleet_vision::boxes::{self, BBox};

/// A mask of a frame, for following.
pub struct MaskObservation {
    /// Whose eye it is of; objects are followed in each on its own.
    pub eye: String,
    /// The mask.
    pub runs: Rle,
    /// What the model calls it.
    pub label: String,
    /// How sure the model is.
    pub score: f32,
    /// Whose pose it was made for, where that is followed.
    pub person: Option<Person>,
}

impl MaskObservation {
    /// The box around it; none around an empty mask.
    fn bounds(&self) -> Option<BBox> {
        self.runs.bounds().map(|bounds| bounds.map(|side| side as f32))
    }
}

/// An object that is followed.
pub struct Object {
    /// Whose eye it is of.
    pub eye: String,
    /// What the model calls it.
    pub label: String,
    /// Sums over its masks.
    pub area: f64,
    /// See `area`.
    pub score: f64,
    /// Sum and number of overlaps (IoU) of masks of neighbouring frames.
    pub overlaps: (f64, u64),
    /// Where it was seen last; empty once it is followed no more.
    mask: Rle,
    /// Whether that was in the frame before.
    fresh: bool,
    /// Where it should be.
    filter: Option<BoxFilter>,
    /// Whose it was last.
    person: Option<Person>,
}

/// Masks of one label and eye may be of one object.
pub struct Masks;

impl Association for Masks {
    type Observation = MaskObservation;
    type State = Object;

    fn predict(&self, object: &mut Object, elapsed_ns: i64, seen: bool) {
        object.fresh = seen;
        if let Some(filter) = &mut object.filter {
            filter.predict(elapsed_ns, seen);
        }
    }

    fn affinity(&self, object: &Object, seen: &MaskObservation) -> f32 {
        if object.eye != seen.eye || object.label != seen.label {
            return 0.0;
        }
        match (object.person, seen.person) {
            (Some(then), Some(now)) if then.track == now.track => 1.0,
            // Two persons who are there at the same time. Else one may be the other, followed anew.
            (Some(then), Some(now)) if then.last >= now.first => 0.0,
            _ => overlap(object, seen),
        }
    }

    fn begin(&self, seen: MaskObservation) -> Object {
        let bounds = seen.bounds();
        Object {
            eye: seen.eye,
            label: seen.label,
            area: seen.runs.area() as f64,
            score: f64::from(seen.score),
            overlaps: (0.0, 0),
            filter: bounds.as_ref().map(BoxFilter::new),
            mask: seen.runs,
            fresh: true,
            person: seen.person,
        }
    }

    fn update(&self, object: &mut Object, seen: MaskObservation) {
        if object.fresh {
            object.overlaps.0 += f64::from(object.mask.iou(&seen.runs));
            object.overlaps.1 += 1;
        }
        object.area += seen.runs.area() as f64;
        object.score += f64::from(seen.score);
        if let Some(bounds) = seen.bounds() {
            object.filter.get_or_insert_with(|| BoxFilter::new(&bounds)).update(&bounds);
        }
        object.person = seen.person.or(object.person);
        object.mask = seen.runs;
    }

    fn end(&self, object: &mut Object) {
        object.mask = Rle::default();
    }
}

/// The mean of how far masks and how far boxes overlap. Boxes are moved on as the object moved: of two that pass each other each goes on
/// its own way, though their masks cover the same place in between.
fn overlap(object: &Object, seen: &MaskObservation) -> f32 {
    let masks = object.mask.iou(&seen.runs);
    match (&object.filter, seen.bounds()) {
        (Some(filter), Some(bounds)) => (masks + boxes::iou(&filter.bbox(), &bounds)) / 2.0,
        _ => masks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_perception::{Track, TrackSet};
    use opencv::core::{self, Mat, Rect, Scalar};

    fn seen(x: i32) -> MaskObservation {
        spanning(x..x + 16)
    }

    fn spanning(columns: std::ops::Range<i32>) -> MaskObservation {
        let mut mask = Mat::new_rows_cols_with_default(20, 200, core::CV_8UC1, Scalar::default()).unwrap();
        let place = Rect::new(columns.start, 2, (columns.end - columns.start).max(0), 16);
        if !place.empty() {
            opencv::imgproc::rectangle(&mut mask, place, Scalar::all(255.0), -1, 8, 0).unwrap();
        }
        MaskObservation {
            eye: String::new(),
            label: "person".to_owned(),
            runs: Rle::of(&mask).unwrap(),
            score: 0.5,
            person: None,
        }
    }

    /// Tracks of frames (number and masks) of a film of 25 frames per second.
    fn followed(frames: Vec<(u64, Vec<MaskObservation>)>) -> Vec<Track<Object>> {
        let mut tracks = TrackSet::new(Masks, 0.3, 0.13);
        for (frame, masks) in frames {
            tracks.frame(frame, frame as i64 * 40_000_000, (0..).zip(masks));
        }
        tracks.finish(1)
    }

    #[test]
    fn numbers_stay_with_objects_whatever_their_order() {
        let tracks = followed(vec![
            (0, vec![seen(10), seen(100)]),
            (1, vec![seen(104), seen(12), seen(60)]),
            // The first is away for two frames and back, then the second for too long.
            (2, vec![seen(14)]),
            (3, vec![]),
            (4, vec![seen(104), seen(14)]),
            (8, vec![]),
            (9, vec![seen(104)]),
        ]);
        let places: Vec<_> = tracks.iter().map(|track| track.seen.clone()).collect();
        let first = vec![(0, 0), (1, 1), (2, 0), (4, 1)];
        assert_eq!(places, [first, vec![(0, 1), (1, 0), (4, 0)], vec![(1, 2)], vec![(9, 0)]]);
        // Moved by 2 of 16 pixels, twice; not counted over the gap.
        let (sum, count) = tracks[0].state.overlaps;
        assert!(count == 2 && (sum / 2.0 - 14.0 / 18.0).abs() < 1e-6, "{sum} {count}");
    }

    /// Two pass each other, the second behind the first: what the first covers is no part of the second's mask. They come in no order.
    fn crossing(person: impl Fn(u32) -> Option<Person>) -> Vec<(u64, Vec<MaskObservation>)> {
        let frame = |n: u64| {
            let (a, b) = (10 + 3 * n as i32, 166 - 3 * n as i32);
            let with = |x: std::ops::Range<i32>, number| MaskObservation { person: person(number), ..spanning(x) };
            let (first, second) = (a..a + 16, if b < a { b..(b + 16).min(a) } else { b.max(a + 16)..b + 16 });
            let mut masks = vec![with(first, 0), with(second, 1)];
            masks.retain(|mask| mask.runs.area() > 0);
            if n % 2 == 1 {
                masks.reverse();
            }
            masks
        };
        (0..53).map(|n| (n, frame(n))).collect()
    }

    /// The tracks of the first and the second who cross, as instances by frame.
    fn who_crosses(tracks: &[Track<Object>]) -> Vec<Vec<u32>> {
        // In frame 26 the second is hidden.
        let who = |(frame, instance): &(u64, u32)| (instance + u32::from(frame % 2 == 1)) % 2;
        tracks.iter().map(|track| track.seen.iter().map(who).collect()).collect()
    }

    #[test]
    fn persons_who_cross_keep_their_masks() {
        let person = |track| Some(Person { track, first: 0, last: 52 });
        assert_eq!(who_crosses(&followed(crossing(person))), [vec![0; 53], vec![1; 52]]);
    }

    #[test]
    fn what_nobody_knows_by_a_pose_goes_on_its_own_way() {
        let tracks = followed(crossing(|_| None));
        let who = who_crosses(&tracks);
        let mixed = who.iter().filter(|of| of.windows(2).any(|two| two[0] != two[1]));
        assert_eq!((mixed.count(), who[0].len()), (0, 53), "{who:?}");
        // The one behind is hidden for a moment, which is longer than the gap here: its track ends, and begins again.
        assert!(who.len() <= 3, "{who:?}");
    }

    #[test]
    fn a_person_who_is_followed_anew_keeps_the_mask() {
        let person = |track, first, last| Some(Person { track, first, last });
        let with = |x, person| MaskObservation { person, ..seen(x) };
        let tracks = followed(vec![
            (0, vec![with(10, person(0, 0, 0))]),
            (1, vec![with(12, None)]),
            (2, vec![with(14, person(1, 2, 2))]),
        ]);
        assert_eq!(tracks.len(), 1);
    }

    #[test]
    fn the_eyes_and_labels_are_followed_on_their_own() {
        let other =
            |eye: &str, label: &str| MaskObservation { eye: eye.to_owned(), label: label.to_owned(), ..seen(10) };
        let tracks = followed(vec![(0, vec![seen(10)]), (1, vec![other("right", "person"), other("", "dog")])]);
        assert_eq!(tracks.iter().map(|track| track.seen.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
