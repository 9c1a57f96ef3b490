//! Objects that were missed in single frames: masks of the frames around say where they must be.
use crate::mask::cover::Cover;
use framefleet_vision::VisionError;
use opencv::core::Point;
use std::rc::Rc;

/// Boxes of one object, laid on each other, overlap so much at least (intersection over union).
const SAME_OBJECT: f64 = 0.5;
/// An object moves no further from one frame to the next, share of its longer side: somebody who runs, at ten frames a second.
pub const FURTHEST: f64 = 0.2;
/// An object of which a frame's own masks cover less was missed in it.
pub const COVERED: f64 = 0.5;

/// What a frame's masks leave out: objects that a frame before and one after have, with no more than `gap` frames between these
/// two. Each lies where it would be if it moved evenly, in the shape of both. `covers` gives the masks of a frame.
pub fn missed(
    number: u64,
    gap: u64,
    size: (u32, u32),
    mut covers: impl FnMut(u64) -> Result<Rc<[Cover]>, VisionError>,
) -> Result<Vec<Cover>, VisionError> {
    let own = covers(number)?;
    let mut missed: Vec<Cover> = Vec::new();
    for (before, after) in pairs(number, gap) {
        let (earlier, later) = (covers(before)?, covers(after)?);
        let passed = (number - before) as f64 / (after - before) as f64;
        for (a, b) in same_objects(&earlier, &later, FURTHEST * (after - before) as f64) {
            let between = between(a, b, passed, size)?;
            let known = own.iter().chain(&missed);
            if between.pixels()? > 0 && between.share_in(known)? < COVERED {
                missed.push(between);
            }
        }
    }
    Ok(missed)
}

/// Frames before and after a frame, the nearest to each other first.
fn pairs(number: u64, gap: u64) -> impl Iterator<Item = (u64, u64)> {
    let starts =
        move |length: u64| (number.saturating_sub(length)..number).map(move |start| (start, start + length + 1));
    (1..=gap).flat_map(starts).filter(move |(_, end)| *end > number)
}

/// Masks of two frames that are nearest to each other, both ways, and no `further` than that.
pub fn same_objects<'a>(a: &'a [Cover], b: &'a [Cover], further: f64) -> impl Iterator<Item = (&'a Cover, &'a Cover)> {
    let back = move |other: &Cover| nearest(other, a, further).map(|of| of.area);
    let mutual = move |of: &'a Cover| nearest(of, b, further).filter(|other| back(other) == Some(of.area));
    a.iter().filter_map(move |of| Some((of, mutual(of)?)))
}

fn nearest<'a>(of: &Cover, among: &'a [Cover], further: f64) -> Option<&'a Cover> {
    let candidates = among.iter().filter_map(|other| Some((other, apart(of, other)?)));
    let nearest = candidates.min_by(|x, y| x.1.total_cmp(&y.1))?;
    (nearest.1 <= further).then_some(nearest.0)
}

/// How far two are from each other, share of the longer side; `None` when they are not similar.
fn apart(a: &Cover, b: &Cover) -> Option<f64> {
    let (wide, high) = (a.area.width.min(b.area.width), a.area.height.min(b.area.height));
    let common = f64::from(wide) * f64::from(high);
    let similarity = common / (f64::from(a.area.area()) + f64::from(b.area.area()) - common);
    let ((ax, ay), (bx, by)) = (a.centre(), b.centre());
    let longer = a.area.width.max(a.area.height).max(1);
    (similarity >= SAME_OBJECT).then(|| (bx - ax).hypot(by - ay) / f64::from(longer))
}

/// Where an object is when it has `passed` this share of the way from `a` to `b`: both moved there.
fn between(a: &Cover, b: &Cover, passed: f64, size: (u32, u32)) -> Result<Cover, VisionError> {
    let ((ax, ay), (bx, by)) = (a.centre(), b.centre());
    let part = |share: f64| Point::new(((bx - ax) * share).round() as i32, ((by - ay) * share).round() as i32);
    let (forth, back) = (part(passed), part(passed - 1.0));
    Ok(a.moved(forth, size)?.joined(&b.moved(back, size)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC1, Mat, Rect, Scalar};

    const SIZE: (u32, u32) = (100, 60);

    fn cover(x: i32, y: i32) -> Cover {
        let mask = Mat::new_rows_cols_with_default(20, 10, CV_8UC1, Scalar::all(255.0)).unwrap();
        Cover { area: Rect::new(x, y, 10, 20), mask }
    }

    /// An object at x = 10 + 2 n, and what is missed in a frame when only some frames have it.
    fn missed_in(number: u64, gap: u64, seen: &[u64]) -> Vec<Rect> {
        let covers = |n: u64| -> Result<Rc<[Cover]>, VisionError> {
            Ok(if seen.contains(&n) { Rc::from([cover(10 + 2 * n as i32, 20)]) } else { Rc::from([]) })
        };
        missed(number, gap, SIZE, covers).unwrap().iter().map(|cover| cover.area).collect()
    }

    #[test]
    fn what_is_there_before_and_after_is_there_between() {
        assert_eq!(missed_in(5, 1, &[3, 4, 6, 7]), [Rect::new(20, 20, 10, 20)]);
        assert_eq!(missed_in(5, 2, &[4, 7]), [Rect::new(20, 20, 10, 20)], "a third of the way");
        assert!(missed_in(5, 1, &[4, 7]).is_empty(), "two frames are missing");
        assert!(missed_in(5, 3, &[2, 3, 4]).is_empty(), "it does not come back");
        assert!(missed_in(5, 3, &[3, 4, 5, 6, 7]).is_empty(), "nothing is missing");
        assert!(missed_in(0, 2, &[1, 2]).is_empty(), "there is nothing before the first frame");
    }

    #[test]
    fn objects_are_not_taken_for_one_another() {
        let covers = |n: u64| -> Result<Rc<[Cover]>, VisionError> {
            Ok(match n {
                4 => Rc::from([cover(10, 20), cover(70, 20)]),
                6 => Rc::from([cover(40, 20), cover(74, 20)]),
                _ => Rc::from([]),
            })
        };
        let found = missed(5, 1, SIZE, covers).unwrap();
        assert_eq!(found.iter().map(|cover| cover.area).collect::<Vec<_>>(), [Rect::new(72, 20, 10, 20)]);
    }
}
