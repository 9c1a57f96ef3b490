//! Presentation times of consecutive frames, kept small: of a constant rate they are two numbers, and close to one a byte per frame.
use framefleet_proto::v1::{FrameTimes, Rational};

/// Parts that a unit of time is cut into where frames are closer together than it tells apart.
const FINER: i64 = 16;

/// A unit of time in which frames that are `closest_ns` nanoseconds apart at the least have times of their own: the container's, or a
/// sixteenth of it where several frames fall into one of its ticks.
pub fn fine_unit(unit: Rational, closest_ns: Option<i64>) -> Rational {
    let tick_ns = if unit.den > 0 { 1_000_000_000_i64.saturating_mul(unit.num) / unit.den } else { 0 };
    // Times are rounded to nanoseconds.
    let too_close = closest_ns.is_some_and(|closest| closest.saturating_add(2) < tick_ns);
    match unit.den.checked_mul(FINER).filter(|den| too_close && *den <= i64::from(i32::MAX)) {
        Some(den) => Rational { den, ..unit },
        None => unit,
    }
}

/// The least distance of consecutive times, nanoseconds; `None` of fewer than two.
pub fn closest(pts_ns: &[i64]) -> Option<i64> {
    pts_ns.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).min()
}

/// Presentation times of consecutive frames, in nanoseconds from the item's first frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    first: i64,
    /// Mean distance of two frames.
    step: i64,
    count: u32,
    rest: Rest,
}

/// How far each time is from `first + n · step`, in the fewest bytes that hold all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Rest {
    #[default]
    Nothing,
    Bytes(Box<[i8]>),
    Words(Box<[i32]>),
    Whole(Box<[i64]>),
}

impl Rest {
    fn new(rest: &[i64]) -> Self {
        fn all<T: TryFrom<i64>>(rest: &[i64]) -> Option<Box<[T]>> {
            rest.iter().map(|&rest| T::try_from(rest).ok()).collect()
        }
        if rest.iter().all(|&rest| rest == 0) {
            return Self::Nothing;
        }
        if let Some(bytes) = all(rest) {
            return Self::Bytes(bytes);
        }
        all(rest).map_or_else(|| Self::Whole(rest.into()), Self::Words)
    }

    fn get(&self, index: usize) -> i64 {
        let found = match self {
            Self::Nothing => None,
            Self::Bytes(rest) => rest.get(index).map(|&rest| i64::from(rest)),
            Self::Words(rest) => rest.get(index).map(|&rest| i64::from(rest)),
            Self::Whole(rest) => rest.get(index).copied(),
        };
        found.unwrap_or(0)
    }
}

impl Times {
    /// The times of so many frames. There are at most 2³² − 1; what is more is left out.
    pub fn new(pts_ns: &[i64]) -> Self {
        let pts_ns = &pts_ns[..pts_ns.len().min(u32::MAX as usize)];
        let (Some(&first), Some(&last)) = (pts_ns.first(), pts_ns.last()) else { return Self::default() };
        // Times of hostile media may be any numbers: what overflows here does so again, the other way, when they are asked for.
        let step = last.wrapping_sub(first).checked_div(pts_ns.len() as i64 - 1).unwrap_or(0);
        let line = (0..).map(|number: i64| first.wrapping_add(number.wrapping_mul(step)));
        let rest: Vec<i64> = pts_ns.iter().zip(line).map(|(time, on_line)| time.wrapping_sub(on_line)).collect();
        Self { first, step, count: pts_ns.len() as u32, rest: Rest::new(&rest) }
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Time of the frame of this index.
    pub fn get(&self, index: usize) -> Option<i64> {
        let on_line = self.first.wrapping_add((index as i64).wrapping_mul(self.step));
        (index < self.len()).then(|| on_line.wrapping_add(self.rest.get(index)))
    }

    /// Times of all frames, in order.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl From<&Times> for FrameTimes {
    fn from(times: &Times) -> Self {
        let rest = match times.rest {
            Rest::Nothing => Vec::new(),
            _ => (0..times.len()).map(|index| times.rest.get(index)).collect(),
        };
        Self { first_ns: times.first, step_ns: times.step, count: times.count, rest_ns: rest }
    }
}

impl From<&FrameTimes> for Times {
    fn from(wire: &FrameTimes) -> Self {
        Self { first: wire.first_ns, step: wire.step_ns, count: wire.count, rest: Rest::new(&wire.rest_ns) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    fn held(times: &Times) -> usize {
        match &times.rest {
            Rest::Nothing => 0,
            Rest::Bytes(rest) => rest.len(),
            Rest::Words(rest) => 4 * rest.len(),
            Rest::Whole(rest) => 8 * rest.len(),
        }
    }

    /// 32 frames from the 2,000,000th on, at a rate.
    fn at(rate: (i64, i64)) -> Vec<i64> {
        let ns = |frame: i64| (i128::from(frame) * 1_000_000_000 * i128::from(rate.1) / i128::from(rate.0)) as i64;
        (2_000_000..2_000_032).map(ns).collect()
    }

    #[test]
    fn times_are_the_same_however_they_are_kept() {
        let milliseconds: Vec<i64> = (0..32).map(|frame| frame * 1001 / 30 * 1_000_000).collect();
        let cases = [
            (Vec::new(), 0),
            (vec![7], 0),
            (vec![i64::MIN, i64::MAX, 0, -1], 32),
            (at((25, 1)), 0),
            (at((30_000, 1001)), 32),
            (milliseconds, 128),
        ];
        for (pts_ns, bytes) in cases {
            let times = Times::new(&pts_ns);
            assert_eq!(times.iter().collect::<Vec<_>>(), pts_ns);
            assert_eq!((times.len(), times.get(pts_ns.len())), (pts_ns.len(), None));
            assert!(held(&times) <= bytes, "{times:?}");
            let wire = FrameTimes::from(&times);
            assert_eq!(Times::from(&FrameTimes::decode(wire.encode_to_vec().as_slice()).unwrap()), times);
        }
    }
}
