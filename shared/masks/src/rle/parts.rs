//! Connected parts of masks (8 neighbours), found on their runs: what takes time is the length of outlines, not the number of pixels.
use super::Rle;
use super::lengths::Lengths;

/// Equal pixels of one column: rows `from` up to `to`.
struct Segment {
    column: u32,
    from: u32,
    to: u32,
}

/// Segments with the part that each belongs to.
struct Labelled {
    segments: Vec<Segment>,
    /// Number of the part of each segment.
    part: Vec<usize>,
    /// Pixels of each part.
    areas: Vec<u64>,
}

impl Rle {
    /// The connected parts of at least `min` pixels, the largest first (of equal ones the leftmost), `max` at most.
    pub fn parts(&self, min: u64, max: usize) -> Vec<Self> {
        let found = self.labelled(true);
        let mut chosen: Vec<usize> = (0..found.areas.len()).filter(|&part| found.areas[part] >= min).collect();
        chosen.sort_by_key(|&part| std::cmp::Reverse(found.areas[part]));
        chosen.truncate(max);
        chosen.into_iter().map(|part| self.with_ones(&found, |own| own == part)).collect()
    }

    /// Without connected parts smaller than `min` pixels; `None` when there are none. Like the reference of SAM, the largest stays
    /// when all are.
    pub fn without_islands(&self, min: u64) -> Option<Self> {
        let found = self.labelled(true);
        found.areas.iter().any(|&area| area < min).then(|| {
            let all = found.areas.iter().all(|&area| area < min);
            let first_largest = (0..found.areas.len()).rev().max_by_key(|&part| found.areas[part]);
            self.with_ones(&found, |part| found.areas[part] >= min || all && Some(part) == first_largest)
        })
    }

    /// With connected parts of the background filled that are smaller than `min` pixels; `None` when there are none.
    pub fn without_holes(&self, min: u64) -> Option<Self> {
        let found = self.labelled(false);
        found.areas.iter().any(|&area| area < min).then(|| {
            let mut lengths = Lengths::default();
            for (segment, &part) in found.segments.iter().zip(&found.part) {
                if found.areas[part] >= min {
                    let column = segment.column * self.height;
                    lengths.ones_to(column + segment.from);
                    lengths.zeros_to(column + segment.to);
                }
            }
            lengths.ones_to(self.width * self.height);
            lengths.done(self.width, self.height)
        })
    }

    fn with_ones(&self, found: &Labelled, chosen: impl Fn(usize) -> bool) -> Self {
        let mut lengths = Lengths::default();
        for (segment, _) in found.segments.iter().zip(&found.part).filter(|(_, part)| chosen(**part)) {
            let column = segment.column * self.height;
            lengths.ones(column + segment.from, column + segment.to);
        }
        lengths.done(self.width, self.height)
    }

    /// The connected parts of what is set, or of what is not.
    fn labelled(&self, set: bool) -> Labelled {
        let segments = self.segments(set);
        let mut parents: Vec<usize> = (0..segments.len()).collect();
        // Both ends walk down two neighbouring columns at a time.
        let mut before = 0;
        for at in 0..segments.len() {
            let segment = &segments[at];
            while segments[before].column + 1 < segment.column
                || segments[before].column < segment.column && segments[before].to < segment.from
            {
                before += 1;
            }
            let mut other = before;
            while segments[other].column < segment.column && segments[other].from <= segment.to {
                join(&mut parents, other, at);
                other += 1;
            }
        }
        let (mut part, mut areas) = (vec![0; segments.len()], Vec::new());
        for (at, segment) in segments.iter().enumerate() {
            // The root of a part is its first segment.
            let root = root(&mut parents, at);
            if root == at {
                part[at] = areas.len();
                areas.push(0);
            }
            part[at] = part[root];
            areas[part[at]] += u64::from(segment.to - segment.from);
        }
        Labelled { segments, part, areas }
    }

    fn segments(&self, set: bool) -> Vec<Segment> {
        let (mut segments, mut at) = (Vec::new(), 0);
        for (number, &length) in self.lengths.iter().enumerate() {
            let end = at + length;
            if (number % 2 == 1) == set {
                while at < end {
                    let (column, from) = (at / self.height, at % self.height);
                    let to = (from + (end - at)).min(self.height);
                    segments.push(Segment { column, from, to });
                    at += to - from;
                }
            }
            at = end;
        }
        segments
    }
}

fn root(parents: &mut [usize], mut of: usize) -> usize {
    while parents[of] != of {
        parents[of] = parents[parents[of]];
        of = parents[of];
    }
    of
}

fn join(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(parents, one), root(parents, other));
    parents[one.max(other)] = one.min(other);
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{self, Mat};
    use opencv::imgproc;
    use opencv::prelude::*;
    use proptest::prelude::*;

    fn runs(rows: &[&str]) -> Rle {
        let bytes: Vec<Vec<u8>> = rows.iter().map(|row| row.bytes().map(|b| u8::from(b == b'#')).collect()).collect();
        Rle::of(&Mat::from_slice_2d(&bytes).unwrap()).unwrap()
    }

    #[test]
    fn small_islands_go_and_small_holes_are_filled() {
        let mask = runs(&["#####...", "#.#.#..#", "#####...", "#####..."]);
        let cleaned = mask.without_holes(2).unwrap().without_islands(3).unwrap();
        assert_eq!(cleaned, runs(&["#####...", "#####...", "#####...", "#####..."]));
        assert!(cleaned.without_islands(3).is_none() && cleaned.without_holes(2).is_none());
    }

    #[test]
    fn where_all_is_small_the_largest_island_stays() {
        assert_eq!(runs(&["##..#", "....."]).without_islands(10).unwrap(), runs(&["##...", "....."]));
    }

    #[test]
    fn what_touches_at_a_corner_is_one_part() {
        let mask = runs(&["#....", ".#..#", "..#.#"]);
        let parts = [runs(&["#....", ".#...", "..#.."]), runs(&[".....", "....#", "....#"])];
        assert_eq!(mask.parts(1, 9), parts);
        assert_eq!((mask.parts(3, 9).len(), mask.parts(1, 1)[0].area()), (1, 3));
    }

    fn masks() -> impl Strategy<Value = (usize, usize, Vec<bool>)> {
        (1..20_usize, 1..20_usize).prop_flat_map(|(rows, columns)| {
            (Just(rows), Just(columns), proptest::collection::vec(proptest::bool::weighted(0.45), rows * columns))
        })
    }

    /// Areas of OpenCV's connected parts.
    fn areas(mask: &Mat) -> Vec<i32> {
        let (mut labels, mut stats, mut centres) = (Mat::default(), Mat::default(), Mat::default());
        let count =
            imgproc::connected_components_with_stats(mask, &mut labels, &mut stats, &mut centres, 8, core::CV_32S);
        let area = |label| *stats.at_2d::<i32>(label, imgproc::CC_STAT_AREA).unwrap();
        let mut areas: Vec<i32> = (1..count.unwrap()).map(area).collect();
        areas.sort_by_key(|area| std::cmp::Reverse(*area));
        areas
    }

    proptest! {
        #[test]
        fn parts_are_those_that_opencv_finds((rows, columns, set) in masks()) {
            let bytes: Vec<Vec<u8>> = set.chunks(columns).map(|row| row.iter().map(|&on| u8::from(on)).collect()).collect();
            let mask = Mat::from_slice_2d(&bytes).unwrap();
            let runs = Rle::of(&mask).unwrap();
            let parts = runs.parts(1, usize::MAX);
            prop_assert_eq!(parts.iter().map(|part| part.area() as i32).collect::<Vec<_>>(), areas(&mask));
            prop_assert_eq!(parts.iter().map(|part| part.intersection(&runs)).sum::<u64>(), runs.area());
            let mut background = Mat::default();
            core::compare(&mask, &core::Scalar::default(), &mut background, core::CmpTypes::CMP_EQ as i32).unwrap();
            let holes: i32 = areas(&background).iter().filter(|area| **area < 4).sum();
            let filled = runs.without_holes(4).unwrap_or(runs.clone());
            prop_assert_eq!(filled.area(), runs.area() + holes as u64);
            prop_assert_eq!(filled.intersection(&runs), runs.area());
            prop_assert_eq!(filled.size(), (columns as u32, rows as u32));
        }
    }
}
