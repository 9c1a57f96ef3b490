//! Colour tags: by name, as items carry them, and by FFmpeg's numbers, as streams do.
use crate::matrix::{self, UNSPECIFIED};
use ffmpeg_next::ffi;
use framefleet_frames::Colour;
use std::ffi::{CString, c_char, c_int};

/// FFmpeg's numbers of ranges.
const RANGE_LIMITED: c_int = 1;
const RANGE_FULL: c_int = 2;

/// Tags of an encoded stream, by FFmpeg's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tags {
    primaries: c_int,
    transfer: c_int,
    matrix: c_int,
    range: c_int,
}

impl Tags {
    /// The item's tags for samples of this matrix, of the full range or the limited one. What the source does not say stays unsaid.
    pub fn new(colour: &Colour, matrix: c_int, full: bool) -> Self {
        Self {
            primaries: number(&colour.primaries, ffi::av_color_primaries_from_name),
            transfer: number(&colour.transfer, ffi::av_color_transfer_from_name),
            matrix,
            range: if full { RANGE_FULL } else { RANGE_LIMITED },
        }
    }

    /// The tags of pictures in RGB.
    pub fn of_rgb(colour: &Colour) -> Self {
        Self::new(colour, matrix::RGB, true)
    }

    /// Primaries and transfer by the code points of ITU-T H.273, which FFmpeg's numbers are; `None` unless both are said.
    pub fn code_points(&self) -> Option<(u8, u8)> {
        let point = |number: c_int| u8::try_from(number).ok().filter(|_| number != UNSPECIFIED);
        point(self.primaries).zip(point(self.transfer))
    }

    /// Whether samples use the full range.
    pub fn is_full_range(&self) -> bool {
        self.range == RANGE_FULL
    }

    /// The matrix to convert by, in the scaler's numbers.
    pub fn scaler_matrix(&self, width: u32, height: u32) -> c_int {
        matrix::for_scaler(self.matrix, width, height)
    }

    /// Writes the tags into a codec context.
    pub fn write_to_context(&self, context: &mut ffi::AVCodecContext) {
        // SAFETY: the numbers are this library's own for its enumerations.
        unsafe {
            set(&mut context.color_primaries, self.primaries);
            set(&mut context.color_trc, self.transfer);
            set(&mut context.colorspace, self.matrix);
            set(&mut context.color_range, self.range);
        }
    }

    /// Writes the tags into a frame: the ProRes encoder looks there.
    pub fn write_to_frame(&self, frame: &mut ffi::AVFrame) {
        // SAFETY: the numbers are this library's own for its enumerations.
        unsafe {
            set(&mut frame.color_primaries, self.primaries);
            set(&mut frame.color_trc, self.transfer);
            set(&mut frame.colorspace, self.matrix);
            set(&mut frame.color_range, self.range);
        }
    }

    /// Writes the tags into a stream's parameters.
    pub fn write_to_parameters(&self, parameters: &mut ffi::AVCodecParameters) {
        // SAFETY: the numbers are this library's own for its enumerations.
        unsafe {
            set(&mut parameters.color_primaries, self.primaries);
            set(&mut parameters.color_trc, self.transfer);
            set(&mut parameters.color_space, self.matrix);
            set(&mut parameters.color_range, self.range);
        }
    }
}

/// Sets a field of a C enumeration.
///
/// # Safety
/// `E` is a C enumeration (an `int` in memory) and `number` is one of its values.
unsafe fn set<E>(field: &mut E, number: c_int) {
    debug_assert_eq!(size_of::<E>(), size_of::<c_int>());
    // SAFETY: the caller's promise.
    unsafe { std::ptr::from_mut(field).cast::<c_int>().write(number) }
}

fn number(name: &str, lookup: unsafe extern "C" fn(*const c_char) -> c_int) -> c_int {
    let Ok(name) = CString::new(name) else { return UNSPECIFIED };
    if name.is_empty() {
        return UNSPECIFIED;
    }
    // SAFETY: the name outlives the call.
    let found = unsafe { lookup(name.as_ptr()) };
    if found < 0 { UNSPECIFIED } else { found }
}
