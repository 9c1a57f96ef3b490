//! One frame: what is kept, laid over what takes the place of the rest.
use crate::edge::{self, Kept, Widths};
use crate::planes::{Planes, alpha};
use crate::settings::{Background, CompositeSettings};
use framefleet_frames::frame::{channel_bytes, channels};
use framefleet_frames::{Image, Mask, made};
use framefleet_masks::union;
use framefleet_vision::{VisionError, mat::view};
use opencv::core::{self, Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// Frames are blurred at this long side: what is finer does not survive the blur.
const BLUR_SIDE: i32 = 480;

/// The composite of a frame. Before a colour it is opaque; before its own blur alpha is the frame's own; before nothing alpha is the share
/// that is kept.
pub fn composite<'a>(
    image: &Image,
    kept: impl IntoIterator<Item = &'a Mask>,
    settings: &CompositeSettings,
) -> Result<Image, VisionError> {
    let size = (image.width(), image.height());
    let long = f64::from(size.0.max(size.1));
    let pixels = |percent: f64| (percent / 100.0 * long) as f32;
    let (band, feather) = (pixels(settings.edge_percent), pixels(settings.feather_percent));
    let widths = Widths { band: if band > 0.0 { band.max(feather + 1.0) } else { 0.0 }, feather };
    let mask = union(kept, size)?;
    let blurred = match settings.background {
        Background::Colour | Background::Transparent => None,
        Background::Blur => Some(blurred(image, settings.blur_percent / 100.0)?),
    };
    let opaque = match settings.background {
        Background::Transparent => Some(with_alpha(image)?),
        _ => None,
    };
    let image = opaque.as_ref().unwrap_or(image);
    let mut canvas = Canvas { image, bytes: image.data().to_vec() };
    for part in edge::parts((size.0 as i32, size.1 as i32)) {
        let kept = match &mask {
            Some(mask) => edge::kept(mask, part, widths, |area| Planes::of(image, area))?,
            None => nothing(part),
        };
        match (&blurred, settings.background) {
            (Some(blurred), _) => canvas.lay_over_blur(&kept, blurred)?,
            (None, Background::Transparent) => canvas.lay_over_nothing(&kept),
            (None, _) => canvas.lay_over_colour(&kept, settings.rgb().unwrap_or_default()),
        }
    }
    let bytes = canvas.bytes;
    Image::new(image.format(), size.0, size.1, bytes).map_err(|_| VisionError::Empty { width: size.0, height: size.1 })
}

/// The frame with alpha: its own, or opaque. Grey becomes RGB.
fn with_alpha(image: &Image) -> Result<Image, VisionError> {
    let (count, bytes) = (channels(image.format()), channel_bytes(image.format()));
    let (width, height) = (image.width(), image.height());
    let data = match count {
        4 => return Ok(image.clone()),
        _ => image.data().chunks_exact(count * bytes).flat_map(|pixel| {
            let colours = (0..3).flat_map(move |channel| {
                let at = channel.min(count - 1) * bytes;
                pixel[at..at + bytes].iter().copied()
            });
            colours.chain(std::iter::repeat_n(255, bytes))
        }),
    };
    Image::new(made::with_alpha(image.format()), width, height, data.collect::<Vec<u8>>())
        .map_err(|_| VisionError::Empty { width, height })
}

/// Nothing of a part is kept.
fn nothing(area: Rect) -> Kept {
    Kept { area, shares: vec![0.0; area.area() as usize], colours: Planes { planes: Vec::new() } }
}

/// The frame that is made.
struct Canvas<'a> {
    image: &'a Image,
    bytes: Vec<u8>,
}

impl Canvas<'_> {
    /// Lays a part over one colour (0–1). What the frame itself shows through, shows the colour.
    fn lay_over_colour(&mut self, kept: &Kept, colour: [f32; 3]) {
        // A grey frame takes the colour's luma (BT.601).
        let luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
        let count = channels(self.image.format());
        let own_alpha = alpha(self.image, kept.area);
        for (at, pixel) in pixels(kept.area, self.image.width()).enumerate() {
            let share = kept.shares[at] * own_alpha.as_ref().map_or(1.0, |alpha| alpha[at]);
            if share >= 1.0 {
                continue;
            }
            for (channel, colour) in colour.iter().enumerate().take(count.min(3)) {
                let new = if count < 3 { luma } else { *colour } * 255.0;
                self.mix(pixel, channel, kept, at, share, new);
            }
            if count == 4 {
                self.set(pixel * count + 3, 255.0);
            }
        }
    }

    /// Lays a part over nothing: alpha is what is kept of a pixel, and its colours are those of what is kept. Nothing of the old background
    /// stays below.
    fn lay_over_nothing(&mut self, kept: &Kept) {
        let own_alpha = alpha(self.image, kept.area);
        for (at, pixel) in pixels(kept.area, self.image.width()).enumerate() {
            if kept.shares[at] >= 1.0 {
                continue;
            }
            let share = kept.shares[at] * own_alpha.as_ref().map_or(1.0, |alpha| alpha[at]);
            for channel in 0..3 {
                let own = kept.colours.planes.get(channel).map_or(0.0, |plane| plane[at]);
                self.set(4 * pixel + channel, if share > 0.0 { own } else { 0.0 });
            }
            self.set(4 * pixel + 3, 255.0 * share);
        }
    }

    /// Lays a part over the blurred frame (`CV_32FC1`, channels side by side, in the frame's own levels).
    fn lay_over_blur(&mut self, kept: &Kept, blurred: &Mat) -> opencv::Result<()> {
        let (count, new) = (channels(self.image.format()), blurred.data_typed::<f32>()?);
        let levels = if channel_bytes(self.image.format()) == 2 { 257.0 } else { 1.0 };
        for (at, pixel) in pixels(kept.area, self.image.width()).enumerate() {
            let share = kept.shares[at];
            for channel in (0..count.min(3)).filter(|_| share < 1.0) {
                self.mix(pixel, channel, kept, at, share, new[pixel * count + channel] / levels);
            }
        }
        Ok(())
    }

    /// Sets a channel of a pixel to what is kept of it, mixed with what is new.
    fn mix(&mut self, pixel: usize, channel: usize, kept: &Kept, at: usize, share: f32, new: f32) {
        let own = kept.colours.planes.get(channel).map_or(new, |plane| plane[at]);
        self.set(pixel * channels(self.image.format()) + channel, new + share * (own - new));
    }

    /// Sets a number of the frame to a level, 0–255.
    fn set(&mut self, to: usize, level: f32) {
        let level = level.clamp(0.0, 255.0);
        if channel_bytes(self.image.format()) == 2 {
            self.bytes[2 * to..2 * to + 2].copy_from_slice(&((level * 257.0).round() as u16).to_le_bytes());
        } else {
            self.bytes[to] = level.round() as u8;
        }
    }
}

/// The numbers of the pixels of an area in a frame of this width, row by row.
fn pixels(area: Rect, width: u32) -> impl Iterator<Item = usize> {
    let columns = area.x as usize..(area.x + area.width) as usize;
    let rows = area.y as usize..(area.y + area.height) as usize;
    rows.flat_map(move |y| columns.clone().map(move |x| y * width as usize + x))
}

/// The frame blurred, channels as numbers side by side (`CV_32FC1`).
fn blurred(image: &Image, share: f64) -> Result<Mat, VisionError> {
    let full = view(image)?;
    let long = full.cols().max(full.rows());
    let scale = f64::from(BLUR_SIDE.min(long)) / f64::from(long);
    let side = |length: i32| ((f64::from(length) * scale) as i32).max(1);
    let (mut small, mut numbers, mut soft, mut large) =
        (Mat::default(), Mat::default(), Mat::default(), Mat::default());
    let size = Size::new(side(full.cols()), side(full.rows()));
    imgproc::resize(&full, &mut small, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    small.convert_to(&mut numbers, core::CV_32F, 1.0, 0.0)?;
    let sigma = share * f64::from(long) * scale;
    let border = core::BORDER_REPLICATE;
    imgproc::gaussian_blur(&numbers, &mut soft, Size::new(0, 0), sigma, sigma, border)?;
    imgproc::resize(&soft, &mut large, full.size()?, 0.0, 0.0, imgproc::INTER_LINEAR)?;
    Ok(large.reshape(1, 0)?.try_clone()?)
}
