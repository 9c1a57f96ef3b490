//! Pictures with alpha, as analysis sees them.

/// Value of the background. What lies under transparent pixels is leftovers that nobody was meant to see.
const GREY: u32 = 128;

/// Lays 8-bit RGBA with straight alpha over grey; `rgb` has three bytes for every four of `rgba`.
pub fn over_grey(rgba: &[u8], rgb: &mut [u8]) {
    for (to, from) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba.as_chunks::<4>().0) {
        let alpha = u32::from(from[3]);
        for (to, &value) in to.iter_mut().zip(from) {
            *to = ((u32::from(value) * alpha + GREY * (255 - alpha) + 127) / 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opaque_stays_and_transparent_is_grey() {
        let mut rgb = [0; 9];
        over_grey(&[10, 200, 255, 255, 255, 0, 77, 0, 255, 1, 128, 128], &mut rgb);
        assert_eq!(rgb, [10, 200, 255, 128, 128, 128, 192, 64, 128]);
    }
}
