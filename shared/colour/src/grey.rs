//! Pixel formats with luminance alone.
use ffmpeg_next::{ffi, util::format::Pixel};

/// Whether a format has luminance alone.
pub fn is_grey(format: Pixel) -> bool {
    // SAFETY: the descriptor is static, or null for no format.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format.into()).as_ref() };
    descriptor.is_some_and(|descriptor| {
        let rgb_or_palette = (ffi::AV_PIX_FMT_FLAG_RGB | ffi::AV_PIX_FMT_FLAG_PAL) as u64;
        let colour_channels =
            descriptor.nb_components - u8::from(descriptor.flags & ffi::AV_PIX_FMT_FLAG_ALPHA as u64 != 0);
        colour_channels == 1 && descriptor.flags & rgb_or_palette == 0
    })
}
