//! Pictures of another shape than their film's (the size changes within the stream) keep their shape, between black bars.
use ffmpeg_next::frame;
use ffmpeg_next::util::format::Pixel;
use framefleet_frames::{Item, Rational};

/// Size that a picture has within one of `whole` pixels (before it is turned) which it fills as far as its shape lets it. Sizes that differ by
/// the rounding of pixels alone are the whole.
pub(super) fn inside(item: &Item, picture: &frame::Video, whole: (u32, u32)) -> (u32, u32) {
    let aspect =
        item.pixel_aspect.filter(|aspect| aspect.num > 0 && aspect.den > 0).unwrap_or(Rational { num: 1, den: 1 });
    let across = u64::from(picture.width()) * aspect.num.unsigned_abs();
    let down = u64::from(picture.height()) * aspect.den.unsigned_abs();
    let rounded =
        |side: u64, by: u64, per: u64| (2 * u128::from(side) * u128::from(by)).div_ceil(2 * u128::from(per.max(1)));
    let (width, height) = (u64::from(whole.0), u64::from(whole.1));
    let (fitting_width, fitting_height) = (rounded(height, across, down), rounded(width, down, across));
    let close = |side: u128, whole: u64| side.abs_diff(u128::from(whole)) <= 1;
    if close(fitting_width, width) || close(fitting_height, height) {
        return whole;
    }
    let side = |side: u128| u32::try_from(side.max(1)).unwrap_or(u32::MAX);
    if fitting_width < u128::from(width) { (side(fitting_width), whole.1) } else { (whole.0, side(fitting_height)) }
}

/// A packed picture in the middle of a black one of a size that it fits into.
pub(super) fn framed(picture: &frame::Video, (width, height): (u32, u32)) -> frame::Video {
    let pixel = pixel_bytes(picture.format());
    let mut whole = frame::Video::new(picture.format(), width, height);
    let (left, top) = ((width - picture.width().min(width)) / 2, (height - picture.height().min(height)) / 2);
    let (stride, from, length) = (whole.stride(0), left as usize * pixel, picture.width().min(width) as usize * pixel);
    let data = whole.data_mut(0);
    data.fill(0);
    let rows = data.chunks_mut(stride.max(1)).skip(top as usize);
    for (to, row) in rows.zip(picture.data(0).chunks(picture.stride(0).max(1)).take(picture.height() as usize)) {
        to[from..from + length].copy_from_slice(&row[..length]);
    }
    whole
}

/// Bytes of a pixel of the formats that pictures are converted to.
fn pixel_bytes(format: Pixel) -> usize {
    match format {
        Pixel::GRAY8 => 1,
        Pixel::GRAY16LE => 2,
        Pixel::RGB24 => 3,
        Pixel::RGB48LE => 6,
        Pixel::RGBA64LE => 8,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(size: (u32, u32), aspect: (i64, i64), whole: (u32, u32)) -> (u32, u32) {
        let item = Item { pixel_aspect: Some(Rational { num: aspect.0, den: aspect.1 }), ..Item::default() };
        super::inside(&item, &frame::Video::new(Pixel::GRAY8, size.0, size.1), whole)
    }

    #[test]
    fn shapes_are_kept() {
        assert_eq!(inside((128, 72), (1, 1), (128, 72)), (128, 72));
        assert_eq!(inside((96, 96), (1, 1), (128, 72)), (72, 72));
        assert_eq!(inside((320, 96), (1, 1), (128, 72)), (128, 39));
        assert_eq!(inside((1440, 1080), (4, 3), (1920, 1080)), (1920, 1080), "wide pixels");
        assert_eq!(inside((720, 576), (16, 15), (640, 480)), (640, 480), "a proxy");
        assert_eq!(inside((720, 480), (8, 9), (640, 480)), (640, 480));
        assert_eq!(inside((161, 83), (1, 1), (640, 330)), (640, 330), "rounded");
    }
}
