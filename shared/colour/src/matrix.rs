//! The matrix between RGB and YUV, by libavutil's numbers, which are those of ITU-T H.273.
use ffmpeg_next::ffi;
use std::ffi::{CString, c_int};

/// The number of a tag that says nothing.
pub const UNSPECIFIED: c_int = 2;

/// The number of RGB, which has no matrix.
pub const RGB: c_int = 0;
/// BT.709.
pub const BT709: c_int = 1;

/// BT.601 for 525 lines: another number than that for 625, and the same coefficients.
const SMPTE170M: c_int = 6;
/// BT.2020 with constant luminance; libswscale takes the coefficients of the other kind.
const BT2020_CONSTANT: c_int = 10;

/// The number of a tag by its name; unspecified for names that nobody knows.
pub fn number(tag: &str) -> c_int {
    let Ok(name) = CString::new(tag) else { return UNSPECIFIED };
    // SAFETY: the name outlives the call.
    let found = unsafe { ffi::av_color_space_from_name(name.as_ptr()) };
    if tag.is_empty() || found < 0 { UNSPECIFIED } else { found }
}

/// Whether a matrix is one of the two of BT.2020.
pub fn is_bt2020(tagged: c_int) -> bool {
    matches!(tagged, ffi::SWS_CS_BT2020 | BT2020_CONSTANT)
}

/// The matrix to convert by, in libswscale's numbers: the tagged one. Untagged, for RGB, and for matrices that libswscale does
/// not have: BT.709 for pictures larger than standard definition, BT.601 up to it. Decoding and encoding agree on it.
pub fn for_scaler(tagged: c_int, width: u32, height: u32) -> c_int {
    match tagged {
        ffi::SWS_CS_ITU709
        | ffi::SWS_CS_FCC
        | ffi::SWS_CS_ITU601
        | SMPTE170M
        | ffi::SWS_CS_SMPTE240M
        | ffi::SWS_CS_BT2020
        | BT2020_CONSTANT => tagged,
        _ if width > 1024 || height > 576 => ffi::SWS_CS_ITU709,
        _ => ffi::SWS_CS_ITU601,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_first_and_size_decides_without() {
        let matrix = |tag, width, height| for_scaler(number(tag), width, height);
        assert_eq!(matrix("bt709", 640, 360), ffi::SWS_CS_ITU709);
        assert_eq!(matrix("bt470bg", 1920, 1080), ffi::SWS_CS_ITU601);
        assert_eq!(matrix("smpte170m", 1920, 1080), SMPTE170M);
        assert_eq!(matrix("bt2020nc", 640, 360), ffi::SWS_CS_BT2020);
        for unknown in ["", "unknown", "gbr", "ictcp", "ycgco", "n\0l"] {
            assert_eq!(matrix(unknown, 720, 576), ffi::SWS_CS_ITU601, "{unknown}");
            assert_eq!(matrix(unknown, 1280, 720), ffi::SWS_CS_ITU709, "{unknown}");
        }
    }
}
