//! Objects that come in at the picture's edge before masks have them, and go out after: how they move says where they are.
use crate::mask::cover::Cover;
use crate::mask::gaps::{COVERED, FURTHEST, same_objects};
use framefleet_vision::VisionError;
use opencv::core::{Point, Rect};
use std::rc::Rc;

/// An object that moves less does not come in, pixels a frame.
const SLOWEST: f64 = 0.5;

/// What a frame's masks leave out at the picture's edges: objects that masks of later frames have on their way in, or those of
/// earlier frames on their way out. Each lies where it would be if it moved evenly, in the shape in which it is first (last) known,
/// as far as that is in the picture. `covers` gives the masks of a frame, of frames that show another scene none. Frames up to `gap`
/// away are read.
pub fn missed_at_edges(
    number: u64,
    gap: u64,
    size: (u32, u32),
    mut covers: impl FnMut(u64) -> Result<Rc<[Cover]>, VisionError>,
) -> Result<Vec<Cover>, VisionError> {
    let own = covers(number)?;
    let mut missed: Vec<Cover> = Vec::new();
    for (away, apart, later) in distances(gap) {
        let at = |frames: u64| if later { number.checked_add(frames) } else { number.checked_sub(frames) };
        let (Some(near), Some(far)) = (at(away), at(away + apart)) else { continue };
        let (near, far) = (covers(near)?, covers(far)?);
        for (a, b) in same_objects(&near, &far, FURTHEST * apart as f64) {
            let Some(by) = outwards(a, b, apart, away, gap, size) else { continue };
            let moved = a.moved(by, size)?;
            let known = own.iter().chain(&missed);
            if !moved.area.empty() && moved.pixels()? > 0 && moved.share_in(known)? < COVERED {
                missed.push(moved);
            }
        }
    }
    Ok(missed)
}

/// How far the frame that knows an object is away, how far from it the one that tells its speed, and whether both are later: the
/// nearest first, speeds over long ways before those over short ones.
fn distances(gap: u64) -> impl Iterator<Item = (u64, u64, bool)> {
    let of = move |away: u64| (1..=gap.saturating_sub(away)).rev().map(move |apart| (away, apart));
    (1..gap).flat_map(of).flat_map(|(away, apart)| [(away, apart, true), (away, apart, false)])
}

/// How far an object in `near` has to be moved to where it was (or will be) `away` frames further out; `None` when it does not come
/// from an edge that it would reach within `gap` frames.
fn outwards(near: &Cover, far: &Cover, apart: u64, away: u64, gap: u64, size: (u32, u32)) -> Option<Point> {
    let ((ax, ay), (bx, by)) = (near.centre(), far.centre());
    let frames = apart as f64;
    let sides = |of: Rect| [(of.x, of.x + of.width), (of.y, of.y + of.height)];
    let (own, other) = (sides(near.area), sides(far.area));
    let centre = [(bx - ax) / frames, (by - ay) / frames];
    let length = [size.0, size.1].map(f64::from);
    // What comes in at an edge shows how fast it is by its inner side: more of it is seen from frame to frame.
    let speed = |axis: usize| {
        let ((low, high), (low_far, high_far)) = (own[axis], other[axis]);
        let (from_low, from_high) = (f64::from(high_far - high) / frames, f64::from(low - low_far) / frames);
        if from_low >= SLOWEST && f64::from(low) <= from_low * gap as f64 {
            return Some(from_low);
        }
        let enters = from_high >= SLOWEST && f64::from(high) + from_high * gap as f64 >= length[axis];
        enters.then_some(-from_high)
    };
    let (across, down) = (speed(0), speed(1));
    if across.is_none() && down.is_none() {
        return None;
    }
    let back = |speed: f64| (-speed * away as f64).round() as i32;
    Some(Point::new(back(across.unwrap_or(centre[0])), back(down.unwrap_or(centre[1]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC1, Mat, Scalar};

    const SIZE: (u32, u32) = (100, 60);

    /// What is visible of an object of 12 × 30 pixels.
    fn cover(x: i32, y: i32) -> Option<Cover> {
        let area = Rect::new(x, y, 12, 30) & Rect::new(0, 0, 100, 60);
        let mask = Mat::new_rows_cols_with_default(area.height, area.width, CV_8UC1, Scalar::all(255.0)).unwrap();
        (!area.empty()).then_some(Cover { area, mask })
    }

    /// What is missed in a frame of an object that is at `place(n)` and known in some frames.
    fn missed_in(number: u64, gap: u64, known: &[u64], place: impl Fn(i32) -> (i32, i32)) -> Vec<Rect> {
        let covers = |n: u64| -> Result<Rc<[Cover]>, VisionError> {
            let (x, y) = place(n as i32);
            Ok(if known.contains(&n) { cover(x, y).into_iter().collect() } else { Rc::from([]) })
        };
        missed_at_edges(number, gap, SIZE, covers).unwrap().iter().map(|cover| cover.area).collect()
    }

    #[test]
    fn who_comes_in_is_there_before_masks_know() {
        let from_left = |n| (-16 + 3 * n, 20);
        let known = [4, 5, 6, 7];
        assert_eq!(missed_in(3, 6, &known, from_left), [Rect::new(0, 20, 5, 30)], "all that is seen of it");
        assert_eq!(missed_in(2, 6, &known, from_left), [Rect::new(0, 20, 2, 30)]);
        assert!(missed_in(1, 6, &known, from_left).is_empty(), "it is outside");
        assert!(missed_in(4, 6, &known, from_left).is_empty(), "masks have it");
        let from_above = |n| (40, -34 + 6 * n);
        assert_eq!(missed_in(3, 6, &known, from_above), [Rect::new(40, 0, 12, 14)]);
    }

    #[test]
    fn who_goes_out_is_there_until_nothing_is_seen() {
        let to_right = |n| (80 + 3 * n, 20);
        assert_eq!(missed_in(4, 6, &[0, 1, 2, 3], to_right), [Rect::new(92, 20, 8, 30)]);
    }

    #[test]
    fn who_stands_or_appears_in_the_middle_comes_from_no_edge() {
        let known = [4, 5, 6, 7];
        assert!(missed_in(3, 6, &known, |_| (0, 20)).is_empty());
        assert!(missed_in(3, 6, &known, |n| (40 + 2 * n, 20)).is_empty());
        assert!(missed_in(3, 6, &known, |n| (20 - 3 * n, 20)).is_empty(), "it goes out, and is known to");
        assert!(missed_in(3, 0, &known, |n| (-16 + 3 * n, 20)).is_empty());
    }
}
