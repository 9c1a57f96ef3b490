//! Whether two pictures are the same one: one is the other cropped, resized, compressed again, framed or captioned.
//!
//! Similar vectors do not say so: the frames of a burst are as alike as a picture and its crop. The proof is alignment. A copy
//! lies in the other picture scaled and shifted, not turned; one contains the other; and where both are, they differ by noise
//! that is everywhere alike. What differs in a burst is local (something moved), turned (the camera was held), or lies outside (it
//! panned). A caption is local as well, but one strip along the upper or lower edge.
mod changes;
mod locate;
mod mapping;
mod plane;
mod refine;

use changes::Changes;
use mapping::Mapping;
use plane::Plane;
use refine::Fit;

/// Sides of a thumbnail in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 16..=256;
/// Pictures plainer than this (standard deviation in grey levels) have nothing to align.
const MIN_DEVIATION: f32 = 6.0;
/// Smoothing of the less magnified picture, in its pixels, and the blur that a thumbnail's own pixels are.
const SMOOTHING: f32 = 0.8;
const PIXEL_BLUR: f32 = 0.3;
/// The largest part of one side by which a copy's pixels may be stretched against the other side: rounding to whole pixels.
const MAX_STRETCH: f32 = 0.03;
/// Contrast and brightness that a copy may have.
const CONTRAST: std::ops::RangeInclusive<f32> = 0.85..=1.18;
const MAX_BRIGHTNESS: f32 = 25.0;
/// Pixels that either picture may stick out of the other, and by which turning or shearing may move an edge.
const MAX_UNCONTAINED: f32 = 0.2;
const MAX_TURNED: f32 = 0.25;
/// The least part of the smaller picture that both must show.
const MIN_OVERLAP: f32 = 0.5;

/// A grey picture, made small: the long side is 128 pixels, by means over areas.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    plane: Plane,
}

/// A thumbnail that is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "{pixels} grey levels are no thumbnail of {width}×{height} pixels: sides of 16 to 256 pixels, one byte each, are expected"
)]
pub struct ThumbnailError {
    width: u32,
    height: u32,
    pixels: usize,
}

impl Thumbnail {
    /// Of grey levels, row by row.
    ///
    /// # Errors
    /// Sides below 16 or above 256 pixels, or another number of bytes than pixels.
    pub fn new(width: u32, height: u32, pixels: &[u8]) -> Result<Self, ThumbnailError> {
        let is_thumbnail = SIDES.contains(&width) && SIDES.contains(&height);
        if !is_thumbnail || pixels.len() != (width * height) as usize {
            return Err(ThumbnailError { width, height, pixels: pixels.len() });
        }
        let values = pixels.iter().map(|pixel| f32::from(*pixel)).collect();
        Ok(Self { plane: Plane::new(width as usize, height as usize, values) })
    }
}

/// What alignment says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proof {
    /// The verdict.
    pub verdict: Verdict,
    /// How many times larger things are in the second thumbnail.
    pub scale: f32,
    /// The part of the smaller picture that both show, 0–1.
    pub overlap: f32,
    /// By how many pixels each sticks out of the other on one axis.
    pub uncontained: f32,
    /// By how many pixels an edge is turned or sheared.
    pub turned: f32,
    /// Robust standard deviation of the differences there, in grey levels.
    pub noise: f32,
    /// The part of the overlap that differs by more than noise, a caption left out, 0–1.
    pub changed: f32,
}

/// Whether two pictures are the same, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are.
    Same,
    /// At least one is too plain to say.
    Plain,
    /// No scale and shift brings them into agreement.
    NotAligned,
    /// Each shows something at an edge that the other does not: the camera moved.
    NotContained,
    /// Something in them differs.
    Changed,
}

impl Proof {
    /// Whether the pictures are the same one.
    pub fn is_same(&self) -> bool {
        self.verdict == Verdict::Same
    }

    fn refused(verdict: Verdict) -> Self {
        Self { verdict, scale: 0.0, overlap: 0.0, uncontained: 0.0, turned: 0.0, noise: 0.0, changed: 1.0 }
    }
}

/// Whether one picture is the other: cropped by up to a fifth, resized, compressed again, in a border or with a caption.
///
/// Neighbouring frames of a film in which nothing moves by a fifth of a thumbnail's pixel are the same as far as thumbnails
/// show: who knows that pictures are of one film need not ask.
pub fn same_picture(first: &Thumbnail, second: &Thumbnail) -> Proof {
    let (first, second) = (&first.plane, &second.plane);
    if first.deviation() < MIN_DEVIATION || second.deviation() < MIN_DEVIATION {
        return Proof::refused(Verdict::Plain);
    }
    let mut best = Proof::refused(Verdict::NotAligned);
    for mapping in locate::locate(first, second) {
        // From the picture where things are smaller to the one where they are larger, so that pixels are averaged, not made up.
        let magnifies = mapping.scale() >= 1.0;
        let (fine, coarse, to_fine) =
            if magnifies { (second, first, mapping) } else { (first, second, mapping.inverse()) };
        let Some(found) = align(fine, coarse, to_fine) else { continue };
        let scale = found.scale;
        let proof = Proof { scale: if magnifies { scale } else { 1.0 / scale }, ..found };
        if proof.is_same() {
            return proof;
        }
        if best.verdict == Verdict::NotAligned || proof.changed < best.changed {
            best = proof;
        }
    }
    best
}

/// Fits `coarse` to `fine` from a rough mapping, and compares them. `None` when they do not fit at all.
fn align(fine: &Plane, coarse: &Plane, mapping: Mapping) -> Option<Proof> {
    let scale = mapping.scale();
    let blurred = |sigma: f32| {
        // What a pixel of `coarse` is blurred by, in pixels of `fine`, less what a pixel of `fine` is blurred by already.
        let square = scale * scale * (sigma * sigma + PIXEL_BLUR) - PIXEL_BLUR;
        (fine.smooth(square.max(0.0).sqrt()), coarse.smooth(sigma))
    };
    let (smooth_fine, smooth_coarse) = blurred(SMOOTHING);
    let rough = refine_halved(fine, coarse, mapping)?;
    let fit = refine::refine(&smooth_fine, &smooth_coarse, rough)?;
    let Fit { mapping, contrast, brightness, noise } = fit;
    let changes = Changes::find(&smooth_fine, &smooth_coarse, &fit);
    let part = |axis: mapping::Axis, fine: usize, coarse: usize| {
        let (start, end) = (axis.apply(0.0).max(0.0), axis.apply(coarse as f32).min(fine as f32));
        (end - start).max(0.0) / (axis.scale * coarse as f32).min(fine as f32)
    };
    let overlap = part(mapping.x, fine.width, coarse.width) * part(mapping.y, fine.height, coarse.height);
    let uncontained =
        |axis: mapping::Axis, fine: usize, coarse: usize| axis.uncontained(coarse as f32, fine as f32) / axis.scale;
    let out = uncontained(mapping.x, fine.width, coarse.width).max(uncontained(mapping.y, fine.height, coarse.height));
    let turned = (mapping.x.turn * coarse.height as f32 / mapping.x.scale).abs();
    let turned = turned.max((mapping.y.turn * coarse.width as f32 / mapping.y.scale).abs());
    let stretch = (mapping.x.scale / mapping.y.scale).ln().abs();
    let verdict = match () {
        _ if stretch > MAX_STRETCH || overlap < MIN_OVERLAP => Verdict::NotAligned,
        _ if !CONTRAST.contains(&contrast) || brightness.abs() > MAX_BRIGHTNESS => Verdict::NotAligned,
        _ if turned > MAX_TURNED => Verdict::NotAligned,
        _ if out > MAX_UNCONTAINED => Verdict::NotContained,
        _ if changes.are_there() => Verdict::Changed,
        _ => Verdict::Same,
    };
    Some(Proof { verdict, scale: mapping.scale(), overlap, uncontained: out, turned, noise, changed: changes.part() })
}

/// Fits pictures of half the size.
fn refine_halved(fine: &Plane, coarse: &Plane, mapping: Mapping) -> Option<Fit> {
    let halved = |plane: &Plane| plane.resize(plane.width.div_ceil(2), plane.height.div_ceil(2));
    let (small_fine, small_coarse) = (halved(fine), halved(coarse));
    let part = |small: usize, whole: usize| small as f32 / whole as f32;
    let from = (part(small_coarse.width, coarse.width), part(small_coarse.height, coarse.height));
    let to = (part(small_fine.width, fine.width), part(small_fine.height, fine.height));
    let small = Mapping { x: mapping.x.resized(from.0, to.0), y: mapping.y.resized(from.1, to.1) };
    let fit = refine::refine(&small_fine.smooth(1.0), &small_coarse.smooth(1.0), Fit::start(small))?;
    let Mapping { x, y } = fit.mapping;
    let mapping = Mapping { x: x.resized(1.0 / from.0, 1.0 / to.0), y: y.resized(1.0 / from.1, 1.0 / to.1) };
    Some(Fit { mapping, ..fit })
}

#[cfg(test)]
mod tests;
