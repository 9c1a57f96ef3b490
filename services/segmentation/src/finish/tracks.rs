//! Who of one frame is who of the next: by the overlap of masks.
use framefleet_perception::Association;
use framefleet_vision::rle::Rle;

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
}

/// Masks of one label and eye may be of one object.
pub struct Masks;

impl Association for Masks {
    type Observation = MaskObservation;
    type State = Object;

    fn predict(&self, object: &mut Object, _elapsed_ns: i64, seen: bool) {
        object.fresh = seen;
    }

    fn affinity(&self, object: &Object, seen: &MaskObservation) -> f32 {
        let same = object.eye == seen.eye && object.label == seen.label;
        if same { object.mask.iou(&seen.runs) } else { 0.0 }
    }

    fn begin(&self, seen: MaskObservation) -> Object {
        Object {
            eye: seen.eye,
            label: seen.label,
            area: seen.runs.area() as f64,
            score: f64::from(seen.score),
            overlaps: (0.0, 0),
            mask: seen.runs,
            fresh: true,
        }
    }

    fn update(&self, object: &mut Object, seen: MaskObservation) {
        if object.fresh {
            object.overlaps.0 += f64::from(object.mask.iou(&seen.runs));
            object.overlaps.1 += 1;
        }
        object.area += seen.runs.area() as f64;
        object.score += f64::from(seen.score);
        object.mask = seen.runs;
    }

    fn end(&self, object: &mut Object) {
        object.mask = Rle::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_perception::{Track, TrackSet};
    use opencv::core::{self, Mat, Rect, Scalar};

    fn seen(x: i32) -> MaskObservation {
        let mut mask = Mat::new_rows_cols_with_default(20, 200, core::CV_8UC1, Scalar::default()).unwrap();
        opencv::imgproc::rectangle(&mut mask, Rect::new(x, 2, 16, 16), Scalar::all(255.0), -1, 8, 0).unwrap();
        MaskObservation { eye: String::new(), label: "person".to_owned(), runs: Rle::of(&mask).unwrap(), score: 0.5 }
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

    #[test]
    fn the_eyes_and_labels_are_followed_on_their_own() {
        let other =
            |eye: &str, label: &str| MaskObservation { eye: eye.to_owned(), label: label.to_owned(), ..seen(10) };
        let tracks = followed(vec![(0, vec![seen(10)]), (1, vec![other("right", "person"), other("", "dog")])]);
        assert_eq!(tracks.iter().map(|track| track.seen.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
