//! Binary masks in run-length encoding (RLE), the form that COCO and this project's records have: column by column, a run of zeros (which may
//! be empty) first. What masks share is counted on the runs; nothing is unpacked for it.
mod enlarged;
mod lengths;
mod parts;

use framefleet_frames::RunLengths;
use framefleet_frames::limits::MAX_SIDE;
use framefleet_vision::VisionError;
use lengths::Lengths;
use opencv::core::{self, Mat, Scalar, ToInputArray};
use opencv::prelude::*;

/// A binary mask as runs of equal pixels down its columns, from the left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rle {
    height: u32,
    width: u32,
    /// Lengths by turns of zeros and ones, zeros first; they add up to height × width.
    lengths: Vec<u32>,
}

impl Rle {
    /// The mask of an image (`CV_8UC1`): what is not 0 is set.
    ///
    /// # Errors
    /// An image of another type, or one larger than any frame may be.
    pub fn of(mask: &(impl MatTraitConst + ToInputArray)) -> Result<Self, VisionError> {
        let size = (mask.cols().max(0) as u32, mask.rows().max(0) as u32);
        Self::of_part(mask, [0, 0], size)
    }

    /// The mask of an image of `size` (width, height), of which only a part is given, whose left top corner lies at `offset`.
    ///
    /// # Errors
    /// As [`Self::of`]; a part that leaves the image.
    pub fn of_part(
        mask: &(impl MatTraitConst + ToInputArray),
        offset: [u32; 2],
        size: (u32, u32),
    ) -> Result<Self, VisionError> {
        let (width, height) = size;
        if width.max(height) > MAX_SIDE {
            return Err(VisionError::TooLarge { width, height });
        }
        if mask.typ() != core::CV_8UC1 {
            return Err(VisionError::Invalid(format!("a mask has one channel of 8 bits, this is type {}", mask.typ())));
        }
        let (columns, rows) = (mask.cols().max(0) as u32, mask.rows().max(0) as u32);
        let fits = |offset: u32, length: u32, max: u32| offset.checked_add(length).is_some_and(|end| end <= max);
        if !fits(offset[0], columns, width) || !fits(offset[1], rows, height) {
            return Err(VisionError::Invalid(format!(
                "a part of {columns}×{rows} at {offset:?} leaves {width}×{height}"
            )));
        }
        if columns == 0 || rows == 0 {
            return Ok(Self { height, width, lengths: Vec::from_iter((width * height > 0).then_some(width * height)) });
        }
        let mut turned = Mat::default();
        core::transpose(mask, &mut turned)?;
        let mut lengths = Lengths::default();
        for (x, column) in (offset[0]..).zip(turned.data_bytes()?.chunks_exact(rows as usize)) {
            lengths.zeros_to(x * height + offset[1]);
            lengths.pixels(column);
        }
        Ok(lengths.done(width, height))
    }

    /// The same mask as a part of an image of `size` (width, height), its left top corner at `offset`; what leaves that is cut off.
    pub fn within(&self, offset: [u32; 2], size: (u32, u32)) -> Self {
        if offset == [0, 0] && size == self.size() {
            return self.clone();
        }
        let (width, height) = size;
        let mut lengths = Lengths::default();
        let columns = self.width.min(width.saturating_sub(offset[0]));
        let rows = self.height.min(height.saturating_sub(offset[1]));
        for (start, end) in self.ones() {
            let mut start = start as u32;
            // A run that goes on in the next column ends at the bottom of its own there.
            while u64::from(start) < end && start / self.height < columns {
                let (column, from) = (start / self.height, start % self.height);
                let to = (from + (end - u64::from(start)).min(u64::from(self.height)) as u32).min(self.height);
                start += to - from;
                let above = (offset[0] + column) * height + offset[1];
                lengths.ones(above + from.min(rows), above + to.min(rows));
            }
        }
        lengths.done(width, height)
    }

    /// Reads COCO's compressed text.
    ///
    /// # Errors
    /// A size that no frame has, text that is none of COCO's, or runs that do not add up to the size.
    pub fn parse(from: &RunLengths) -> Result<Self, VisionError> {
        let wrong = |what: &str| VisionError::Invalid(format!("run lengths of {}×{}: {what}", from.width, from.height));
        if from.width > MAX_SIDE || from.height > MAX_SIDE {
            return Err(wrong(&format!("no side may exceed {MAX_SIDE} pixels")));
        }
        let pixels = i64::from(from.width) * i64::from(from.height);
        let (mut lengths, mut sum): (Vec<u32>, i64) = (Vec::new(), 0);
        let mut bytes = from.counts.bytes();
        while let Some(first) = bytes.next() {
            let mut length = number(first, &mut bytes).ok_or_else(|| wrong("this is no text of COCO's"))?;
            if lengths.len() > 2 {
                length += i64::from(lengths[lengths.len() - 2]);
            }
            sum += length;
            if length < 0 || sum > pixels {
                return Err(wrong("they leave the picture"));
            }
            lengths.push(length as u32);
        }
        if sum != pixels {
            return Err(wrong(&format!("they cover {sum} pixels")));
        }
        Ok(Self { height: from.height, width: from.width, lengths })
    }

    /// The same as COCO's compressed text: every length (from the fourth on, what it exceeds the one two before by) in groups of
    /// five bits, lowest first, each a character from '0' on, with a bit that says whether more follow.
    pub fn text(&self) -> RunLengths {
        let mut counts = String::new();
        for (index, &length) in self.lengths.iter().enumerate() {
            let before = if index > 2 { i64::from(self.lengths[index - 2]) } else { 0 };
            let mut rest = i64::from(length) - before;
            loop {
                let bits = (rest & 0x1f) as u8;
                rest >>= 5;
                let more = if bits & 0x10 == 0 { rest != 0 } else { rest != -1 };
                counts.push(char::from(48 + bits + if more { 0x20 } else { 0 }));
                if !more {
                    break;
                }
            }
        }
        RunLengths { height: self.height, width: self.width, counts }
    }

    /// The mask as an image: `CV_8UC1`, 0 or 255.
    pub fn picture(&self) -> Result<Mat, VisionError> {
        let (rows, columns) = (self.height as i32, self.width as i32);
        let mut turned = Mat::new_rows_cols_with_default(columns, rows, core::CV_8UC1, Scalar::default())?;
        let pixels = turned.data_bytes_mut()?;
        for (start, end) in self.ones() {
            pixels[start as usize..end as usize].fill(255);
        }
        let mut mask = Mat::default();
        core::transpose(&turned, &mut mask)?;
        Ok(mask)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Lengths by turns of zeros and ones, zeros first.
    pub fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Pixels that are set.
    pub fn area(&self) -> u64 {
        self.lengths.iter().skip(1).step_by(2).map(|&length| u64::from(length)).sum()
    }

    /// The box around what is set: x0, y0, x1, y1, the last two one past the last pixel; `None` for an empty mask.
    pub fn bounds(&self) -> Option<[u32; 4]> {
        let height = u64::from(self.height.max(1));
        let (mut left, mut top, mut right, mut bottom) = (u64::MAX, u64::MAX, 0, 0);
        for (start, end) in self.ones().filter(|(start, end)| start < end) {
            let (first, last) = (start / height, (end - 1) / height);
            (left, right) = (left.min(first), right.max(last + 1));
            let (from, to) = if first == last { (start % height, (end - 1) % height + 1) } else { (0, height) };
            (top, bottom) = (top.min(from), bottom.max(to));
        }
        (right > 0).then_some([left as u32, top as u32, right as u32, bottom as u32])
    }

    /// Pixels set in both; 0 for masks of different sizes.
    pub fn intersection(&self, other: &Self) -> u64 {
        if self.size() != other.size() {
            return 0;
        }
        shared(self.ones(), other.ones())
    }

    /// Pixels that are set in a box x0, y0, x1, y1, whose corners are rounded to pixels.
    pub fn area_in(&self, [x0, y0, x1, y1]: [f32; 4]) -> u64 {
        let cut = |side: f32, max: u32| side.round().clamp(0.0, max as f32) as u64;
        let (top, bottom) = (cut(y0, self.height), cut(y1, self.height));
        if top >= bottom {
            return 0;
        }
        let columns = cut(x0, self.width)..cut(x1, self.width);
        shared(self.ones(), columns.map(|x| (x * u64::from(self.height) + top, x * u64::from(self.height) + bottom)))
    }

    /// Whether the pixel in which a point lies is set.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        let [x, y] = [x.floor(), y.floor()];
        self.area_in([x, y, x + 1.0, y + 1.0]) > 0
    }

    /// Intersection over union, 0–1; 0 for two empty masks and for masks of different sizes.
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other);
        let union = self.area() + other.area() - shared;
        if union > 0 { (shared as f64 / union as f64) as f32 } else { 0.0 }
    }

    /// Runs of ones as (start, end) in the order of columns.
    fn ones(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut at = 0_u64;
        self.lengths.chunks(2).map(move |pair| {
            let start = at + u64::from(pair[0]);
            at = start + pair.get(1).map_or(0, |&length| u64::from(length));
            (start, at)
        })
    }
}

/// Pixels that two lists of runs share, each (start, end) ascending.
fn shared(a: impl Iterator<Item = (u64, u64)>, b: impl Iterator<Item = (u64, u64)>) -> u64 {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    let mut shared = 0;
    while let (Some(&(a0, a1)), Some(&(b0, b1))) = (a.peek(), b.peek()) {
        shared += a1.min(b1).saturating_sub(a0.max(b0));
        if a1 <= b1 {
            a.next()
        } else {
            b.next()
        };
    }
    shared
}

/// A number whose first character is `first`: at most seven of five bits each, so that it cannot overflow.
fn number(first: u8, bytes: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let (mut value, mut byte) = (0_i64, first);
    for group in 0..7 {
        let bits = byte.checked_sub(48).filter(|bits| *bits < 64)?;
        value |= i64::from(bits & 0x1f) << (5 * group);
        if bits & 0x20 == 0 {
            let sign = if bits & 0x10 == 0 { 0 } else { -1_i64 << (5 * (group + 1)) };
            return Some(value | sign);
        }
        byte = bytes.next()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pixels_in_a_box_are_counted() {
        let mask = Rle { height: 4, width: 3, lengths: vec![1, 6, 5] };
        // Columns from the left: .###, ###., ....
        assert_eq!(mask.area_in([0.0, 0.0, 3.0, 4.0]), 6);
        assert_eq!(mask.area_in([0.0, 0.0, 1.0, 2.0]), 1);
        assert_eq!(mask.area_in([1.0, 2.0, 9.0, 9.0]), 1);
        assert_eq!(mask.area_in([-5.0, -5.0, 0.4, 9.0]), 0);
        assert_eq!(mask.area_in([2.0, 3.0, 1.0, 1.0]), 0);
        assert!(
            mask.contains(0.9, 1.0)
                && !mask.contains(0.9, 0.9)
                && !mask.contains(7.0, 1.0)
                && !mask.contains(-0.1, 2.0)
        );
    }

    fn mat(rows: usize, columns: usize, bytes: &[u8]) -> Mat {
        let mut mask =
            Mat::new_rows_cols_with_default(rows as i32, columns as i32, core::CV_8UC1, Scalar::default()).unwrap();
        mask.data_bytes_mut().unwrap().copy_from_slice(bytes);
        mask
    }

    #[test]
    fn a_known_mask_has_the_lengths_and_text_that_cocos_tools_give_it() {
        let runs = Rle::of(&mat(2, 3, &[0, 1, 1, 0, 0, 9])).unwrap();
        assert_eq!(runs.lengths(), [2, 1, 1, 2]);
        assert_eq!((runs.area(), runs.bounds()), (3, Some([1, 0, 3, 2])));
        assert_eq!(runs.text(), RunLengths { height: 2, width: 3, counts: "2111".to_owned() });
        let all = Rle::of(&mat(1, 2, &[255, 255])).unwrap();
        assert_eq!((all.lengths(), all.text().counts.as_str()), (&[0, 2][..], "02"));
    }

    #[test]
    fn what_is_no_mask_is_refused() {
        for (width, height, counts) in
            [(2, 2, "5"), (2, 2, "3"), (2, 2, "~"), (2, 2, "oo"), (2, 2, "O"), (70_000, 1, "0")]
        {
            let text = RunLengths { height, width, counts: counts.to_owned() };
            assert!(matches!(Rle::parse(&text), Err(VisionError::Invalid(_))), "{counts}");
        }
        let endless = RunLengths { height: 2, width: 2, counts: "o".repeat(1000) };
        assert!(Rle::parse(&endless).is_err());
        let colour = Mat::new_rows_cols_with_default(2, 2, core::CV_8UC3, Scalar::default()).unwrap();
        assert!(Rle::of(&colour).is_err());
    }

    #[test]
    fn an_empty_picture_is_an_empty_mask() {
        let runs = Rle::of(&mat(2, 2, &[0; 4])).unwrap();
        assert_eq!((runs.area(), runs.bounds(), runs.iou(&runs)), (0, None, 0.0));
    }

    fn masks() -> impl Strategy<Value = (usize, usize, Vec<u8>, Vec<u8>)> {
        (1..24_usize, 1..24_usize).prop_flat_map(|(rows, columns)| {
            let pixels = || {
                proptest::collection::vec(
                    prop_oneof![3 => Just(0_u8), 2 => Just(255_u8), 1 => Just(1_u8)],
                    rows * columns,
                )
            };
            (Just(rows), Just(columns), pixels(), pixels())
        })
    }

    proptest! {
        #[test]
        fn masks_come_back((rows, columns, one, other) in masks()) {
            let (a, b) = (Rle::of(&mat(rows, columns, &one)).unwrap(), Rle::of(&mat(rows, columns, &other)).unwrap());
            let picture = a.picture().unwrap();
            let expected: Vec<u8> = one.iter().map(|&byte| if byte == 0 { 0 } else { 255 }).collect();
            prop_assert_eq!(picture.data_bytes().unwrap(), &expected[..]);
            prop_assert_eq!(&Rle::parse(&a.text()).unwrap(), &a);
            let whole = (columns as u32 + 5, rows as u32 + 4);
            let part = Rle::of_part(&mat(rows, columns, &one), [2, 3], whole).unwrap();
            prop_assert_eq!((part.size(), part.area()), (whole, a.area()));
            prop_assert_eq!(part.bounds(), a.bounds().map(|[x0, y0, x1, y1]| [x0 + 2, y0 + 3, x1 + 2, y1 + 3]));
            prop_assert!(Rle::of_part(&mat(rows, columns, &one), [6, 0], whole).is_err());
            prop_assert_eq!(&a.within([2, 3], whole), &part);
            let (cut_columns, cut_rows) = (columns.div_ceil(2), rows.div_ceil(2));
            let cut = Mat::roi(&mat(rows, columns, &one), core::Rect::new(0, 0, cut_columns as i32, cut_rows as i32))
                .unwrap().try_clone().unwrap();
            prop_assert_eq!(a.within([0, 0], (cut_columns as u32, cut_rows as u32)), Rle::of(&cut).unwrap());
            let shared = one.iter().zip(&other).filter(|&(&x, &y)| x > 0 && y > 0).count() as u64;
            let union = one.iter().zip(&other).filter(|&(&x, &y)| x > 0 || y > 0).count() as f32;
            prop_assert_eq!(a.intersection(&b), shared);
            let expected = if union > 0.0 { shared as f32 / union } else { 0.0 };
            prop_assert!((a.iou(&b) - expected).abs() < 1e-6);
            let set: Vec<(usize, usize)> = (0..rows * columns).filter(|&i| one[i] > 0).map(|i| (i % columns, i / columns)).collect();
            let edges = (!set.is_empty()).then(|| [
                set.iter().map(|p| p.0).min().unwrap() as u32, set.iter().map(|p| p.1).min().unwrap() as u32,
                set.iter().map(|p| p.0).max().unwrap() as u32 + 1, set.iter().map(|p| p.1).max().unwrap() as u32 + 1,
            ]);
            prop_assert_eq!(a.bounds(), edges);
        }

        #[test]
        fn any_text_is_read_or_refused(counts in ".{0,40}", width in 0..50_u32, height in 0..50_u32) {
            if let Ok(runs) = Rle::parse(&RunLengths { height, width, counts }) {
                prop_assert_eq!(runs.lengths().iter().map(|&l| u64::from(l)).sum::<u64>(), u64::from(width) * u64::from(height));
            }
        }
    }
}
