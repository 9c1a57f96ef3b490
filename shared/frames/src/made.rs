//! Frames that steps make: a rule, as data, for the size, depth and colour of what is made of a full frame.
//!
//! A step that reads what another made adds its rule to the others: rules are applied one after the other, each to what the one
//! before gives, so that rounding is that of the frames themselves.
use crate::frame::{BATCH_BYTES, batch_frames, channel_bytes, channels, full_format};
use crate::limits::{MAX_FRAME_BYTES, MAX_SIDE};
use crate::{Colour, Depth, Image, Item, ItemKind, MadeFrames, PixelFormat};
pub use framefleet_proto::v1::made_frames::Size;
use std::fmt;

/// Bytes of a pixel of the format that takes most: RGB with alpha, 16 bits.
const LARGEST_PIXEL: u64 = 8;

/// Size and pixel format of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Format of the pixels.
    pub format: PixelFormat,
}

impl Shape {
    /// That of a picture.
    pub fn of(image: &Image) -> Self {
        Self { width: image.width(), height: image.height(), format: image.format() }
    }

    /// Bytes of such a frame.
    pub fn bytes(self) -> u64 {
        let pixel = (channels(self.format) * channel_bytes(self.format)) as u64;
        u64::from(self.width).saturating_mul(u64::from(self.height)).saturating_mul(pixel)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = match channels(self.format) {
            1 => "grey",
            4 => "RGB with alpha",
            _ => "RGB",
        };
        write!(f, "{}×{} {channels} of {} bits", self.width, self.height, 8 * channel_bytes(self.format))
    }
}

/// The frame that a step makes of one of this shape.
pub fn of_frame(rule: &MadeFrames, frame: Shape) -> Shape {
    let (width, height) = match rule.size {
        None => (frame.width, frame.height),
        Some(Size::Scale(factor)) => {
            let scaled = |side| scaled(side, factor.num.max(1).unsigned_abs(), factor.den.max(1).unsigned_abs());
            (scaled(frame.width), scaled(frame.height))
        }
        Some(Size::LongEdge(long)) => {
            let scaled = |side| scaled(side, u64::from(long), u64::from(frame.width.max(frame.height).max(1)));
            (scaled(frame.width), scaled(frame.height))
        }
    };
    let format = match rule.depth() {
        Depth::Same => frame.format,
        Depth::Eight => with_depth(frame.format, false),
        Depth::Sixteen => with_depth(frame.format, true),
    };
    let format = if rule.alpha { with_alpha(format) } else { format };
    Shape { width, height, format }
}

/// The largest shape that full frames of an item have once these rules were applied to them. Exact but for stills under a rule
/// for the long edge: nobody knows their other side, so it counts as being as long.
pub fn largest<'a>(rules: impl IntoIterator<Item = &'a MadeFrames>, item: &Item) -> Shape {
    let frame = Shape { width: item.width, height: item.height, format: full_format(item) };
    rules.into_iter().fold(frame, |frame, rule| match rule.size {
        Some(Size::LongEdge(long)) if item.kind() == ItemKind::Stills => {
            Shape { width: long, height: long, ..of_frame(rule, frame) }
        }
        _ => of_frame(rule, frame),
    })
}

/// Bytes of a full frame of an item once these rules were applied to it, as parts of batches are cut by. Of stills it follows
/// from their grid and the rules alone, so that no picture that is added cuts the others anew: it is as if each took its share of
/// a batch, in whatever format takes most.
pub fn usual_bytes(rules: &[MadeFrames], item: &Item) -> u64 {
    if item.kind() != ItemKind::Stills {
        return largest(rules, item).bytes();
    }
    let share = BATCH_BYTES / batch_frames(item);
    rules.iter().fold(share, |bytes, rule| {
        let (num, den) = match rule.size {
            None => (1, 1),
            Some(Size::Scale(factor)) => {
                (u128::from(factor.num.max(1).unsigned_abs()), u128::from(factor.den.max(1).unsigned_abs()))
            }
            Some(Size::LongEdge(long)) => return LARGEST_PIXEL * u64::from(long) * u64::from(long),
        };
        let deeper = if rule.depth() == Depth::Sixteen { 2 } else { 1 };
        let squared = |side: u128| side.saturating_mul(side);
        let bytes = u128::from(bytes).saturating_mul(squared(num)).saturating_mul(deeper) / squared(den).max(1);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    })
}

/// The colour of frames to which these rules were applied: what the last maker says that says anything; `None` when the frames
/// have the source's.
pub fn colour(rules: &[MadeFrames]) -> Option<&Colour> {
    rules.iter().rev().find_map(|rule| rule.colour.as_ref())
}

/// Whether frames have alpha that their source does not: some rule adds it.
pub fn adds_alpha(rules: &[MadeFrames]) -> bool {
    rules.iter().any(|rule| rule.alpha)
}

/// Bits per channel that mean something in an item's frames once these rules were applied to them. Frames of 10 bits lie in 16.
pub fn bit_depth(rules: &[MadeFrames], item: &Item) -> u32 {
    rules.iter().fold(item.bit_depth, |depth, rule| match rule.depth() {
        Depth::Same => depth,
        Depth::Eight => 8,
        Depth::Sixteen => 16,
    })
}

/// Pixels of a picture of a frame per pixel of coordinates, across and down: those are of the source's full frame, of size `full`.
pub fn scale(image: &Image, full: (u32, u32)) -> (f64, f64) {
    let scale = |made: u32, full: u32| f64::from(made) / f64::from(full.max(1));
    (scale(image.width(), full.0), scale(image.height(), full.1))
}

/// Says what is wrong with a rule.
pub fn check(rule: &MadeFrames) -> Result<(), String> {
    match rule.size {
        Some(Size::Scale(factor)) if factor.num < 1 || factor.den < 1 => {
            Err(format!("a scale of {}/{} makes no frames", factor.num, factor.den))
        }
        Some(Size::LongEdge(0)) => Err("a long edge of 0 pixels makes no frames".to_owned()),
        _ => Ok(()),
    }
}

/// Refuses frames that are larger than any frame may be.
pub fn check_size(frame: Shape) -> Result<(), String> {
    if frame.width.max(frame.height) > MAX_SIDE || frame.bytes() > MAX_FRAME_BYTES {
        let gib = MAX_FRAME_BYTES >> 30;
        return Err(format!("frames of {frame} are too large: sides of {MAX_SIDE} pixels and {gib} GiB are allowed"));
    }
    Ok(())
}

/// A side times a fraction, rounded to the nearest pixel, halves up; at least 1.
fn scaled(side: u32, num: u64, den: u64) -> u32 {
    let (num, den) = (u128::from(num), u128::from(den));
    let scaled = (2 * u128::from(side) * num + den) / (2 * den);
    u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
}

/// The format with the same channels and 8 or 16 bits.
fn with_depth(format: PixelFormat, deep: bool) -> PixelFormat {
    use PixelFormat::{Grey8, Grey16, Rgb8, Rgb16, Rgba8, Rgba16, Unspecified};
    match (format, deep) {
        (Unspecified, _) => Unspecified,
        (Grey8 | Grey16, false) => Grey8,
        (Grey8 | Grey16, true) => Grey16,
        (Rgb8 | Rgb16, false) => Rgb8,
        (Rgb8 | Rgb16, true) => Rgb16,
        (Rgba8 | Rgba16, false) => Rgba8,
        (Rgba8 | Rgba16, true) => Rgba16,
    }
}

/// The format with alpha of the same depth; grey becomes RGB, since there is no grey with alpha.
pub fn with_alpha(format: PixelFormat) -> PixelFormat {
    use PixelFormat::{Grey8, Grey16, Rgb8, Rgb16, Rgba8, Rgba16, Unspecified};
    match format {
        Unspecified => Unspecified,
        Grey8 | Rgb8 | Rgba8 => Rgba8,
        Grey16 | Rgb16 | Rgba16 => Rgba16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rational;
    use proptest::prelude::*;

    fn scale(num: i64, den: i64) -> MadeFrames {
        MadeFrames { size: Some(Size::Scale(Rational { num, den })), ..MadeFrames::default() }
    }

    fn long_edge(pixels: u32) -> MadeFrames {
        MadeFrames { size: Some(Size::LongEdge(pixels)), ..MadeFrames::default() }
    }

    fn size(rules: &[MadeFrames], (width, height): (u32, u32)) -> (u32, u32) {
        let frame = Shape { width, height, format: PixelFormat::Rgb8 };
        let made = rules.iter().fold(frame, |frame, rule| of_frame(rule, frame));
        (made.width, made.height)
    }

    #[test]
    fn sides_are_rounded_to_the_nearest_pixel() {
        assert_eq!(size(&[MadeFrames::default()], (1919, 1079)), (1919, 1079));
        assert_eq!(size(&[scale(4, 1)], (1920, 1080)), (7680, 4320));
        assert_eq!(size(&[scale(1, 2)], (1919, 1079)), (960, 540), "halves go up");
        assert_eq!(size(&[scale(2, 3)], (1000, 500)), (667, 333));
        assert_eq!(size(&[scale(1, 1000)], (20, 10)), (1, 1), "a frame has a pixel at least");
        assert_eq!(size(&[scale(i64::MAX, 1)], (20, 10)), (u32::MAX, u32::MAX));
    }

    #[test]
    fn a_long_edge_enlarges_and_lessens() {
        assert_eq!(size(&[long_edge(3840)], (1920, 1080)), (3840, 2160));
        assert_eq!(size(&[long_edge(640)], (1080, 1920)), (360, 640));
        assert_eq!(size(&[long_edge(100)], (100_000, 3)), (100, 1));
    }

    #[test]
    fn rules_are_applied_one_after_the_other() {
        assert_eq!(size(&[scale(2, 1), scale(2, 1)], (960, 540)), (3840, 2160));
        assert_eq!(size(&[scale(1, 2), scale(2, 1)], (15, 9)), (16, 10), "what rounding took is not there again");
        let item = Item { bit_depth: 10, ..Item::default() };
        let deep = MadeFrames { depth: Depth::Sixteen.into(), ..MadeFrames::default() };
        let shown = MadeFrames { depth: Depth::Eight.into(), colour: Some(named("bt709")), ..MadeFrames::default() };
        let depth = |rules: &[MadeFrames]| bit_depth(rules, &item);
        assert_eq!(
            (depth(&[]), depth(std::slice::from_ref(&deep)), depth(&[deep.clone(), shown.clone()])),
            (10, 16, 8)
        );
        assert_eq!(colour(std::slice::from_ref(&deep)), None);
        assert_eq!(colour(&[shown, deep]), Some(&named("bt709")), "who says nothing changes nothing");
    }

    fn named(primaries: &str) -> Colour {
        Colour { primaries: primaries.to_owned(), ..Colour::default() }
    }

    #[test]
    fn channels_stay_when_the_depth_changes() {
        let deep = MadeFrames { depth: Depth::Sixteen.into(), ..MadeFrames::default() };
        let frame = Shape { width: 4, height: 3, format: PixelFormat::Rgba8 };
        assert_eq!(of_frame(&deep, frame).format, PixelFormat::Rgba16);
        assert_eq!(of_frame(&deep, Shape { format: PixelFormat::Grey8, ..frame }).format, PixelFormat::Grey16);
        assert_eq!(of_frame(&deep, frame).to_string(), "4×3 RGB with alpha of 16 bits");
    }

    #[test]
    fn rules_that_make_no_frames_are_refused() {
        assert!(check(&scale(0, 1)).is_err() && check(&scale(2, 0)).is_err() && check(&long_edge(0)).is_err());
        assert!(check(&scale(1, 2)).is_ok());
        let huge = Shape { width: 40_000, height: 10, format: PixelFormat::Rgb8 };
        assert!(check_size(huge).unwrap_err().contains("40000×10 RGB of 8 bits"));
    }

    fn rule() -> impl Strategy<Value = MadeFrames> {
        prop_oneof![
            Just(MadeFrames::default()),
            (1i64..9, 1i64..9).prop_map(|(num, den)| scale(num, den)),
            (1u32..5000).prop_map(long_edge),
        ]
    }

    proptest! {
        /// No still of a folder becomes larger than what is said of the folder, whatever its own size.
        #[test]
        fn no_frame_is_larger_than_the_largest(
            rules in proptest::collection::vec(rule(), 0..4),
            sizes in proptest::collection::vec((1u32..3000, 1u32..3000), 1..5),
        ) {
            let most = |side: fn(&(u32, u32)) -> u32| sizes.iter().map(side).max().unwrap_or(0);
            let folder = Item {
                kind: ItemKind::Stills.into(), width: most(|size| size.0), height: most(|size| size.1), bit_depth: 8, ..Item::default()
            };
            let largest = largest(&rules, &folder);
            for still in &sizes {
                let (width, height) = size(&rules, *still);
                prop_assert!(width <= largest.width && height <= largest.height, "{still:?} becomes {width}×{height}, more than {largest}");
            }
        }
    }
}
