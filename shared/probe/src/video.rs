//! Items made of one video file.
use super::immersive;
use ffmpeg_next::util::format::Pixel;
use ffmpeg_next::{codec::packet::side_data, ffi, format};
use framefleet_colour::is_grey;
use framefleet_demux::timeline::scale;
use framefleet_demux::{Alpha, Demuxer, codec_name, several_films, sound_tracks};
use framefleet_frames::frame::{byte_length, full_format};
use framefleet_frames::limits::check_size;
use framefleet_frames::{Colour, Item, ItemKind, Rational, ReadError, VideoFile};
use std::ffi::{CStr, c_char};
use std::path::Path;

/// Pixel aspects beyond this, either way, are no aspects but damage.
const MAX_ASPECT: i64 = 16;

/// Bytes below which nothing is a frame, on the average of a file: packets of pictures that repeat take some ten.
const FRAME_BYTES: u64 = 8;

/// Frames per second beyond which a rate is no rate.
const MAX_RATE: i64 = 10_000;

/// Reads the headers of a video, of its default stream or the one of this number.
pub(super) fn item(name: String, path: &Path, video_stream: Option<u32>) -> Result<Item, ReadError> {
    let demuxer = Demuxer::video(VideoFile::new(path, video_stream))?;
    // Opened for the pixel format that only the decoder knows for some codecs, and to refuse what nothing decodes.
    let decoder = demuxer.video_decoder()?;
    let (crop, alpha) = (demuxer.crop()?, demuxer.alpha()?);
    let (stream, sound_tracks) = (demuxer.stream()?, sound_tracks(demuxer.input()));
    let location = path.to_str().ok_or_else(|| ReadError::Name(path.to_owned()))?.to_owned();
    let pixels = PixelTraits::of(decoder.format());
    let coded = crop.size((decoder.width(), decoder.height()));
    let aspect = crop.pixel_aspect(coded).map_or_else(|| pixel_aspect(&demuxer, &stream), sensible_aspect);
    let (rotation, flipped) = orientation(&stream);
    let (width, height) = displayed_size(coded, aspect, rotation);
    let mut item = Item {
        name,
        location,
        kind: ItemKind::Video.into(),
        bit_depth: pixels.bit_depth,
        alpha: pixels.alpha || matches!(alpha, Alpha::Decoded(_)),
        grey: pixels.grey,
        frame_rate: Some(frame_rate(&stream)),
        time_base: Some(Rational {
            num: stream.time_base().numerator().into(),
            den: stream.time_base().denominator().into(),
        }),
        container: demuxer.input().format().name().to_owned(),
        codec: codec_name(stream.parameters().id()),
        rotation,
        flipped,
        pixel_aspect: Some(aspect),
        colour: Some(colour(&stream)),
        stereo: immersive::stereo(&stream).to_owned(),
        projection: immersive::projection(&stream).to_owned(),
        has_audio: !sound_tracks.is_empty(),
        sound_tracks,
        video_stream,
        bytes: std::fs::metadata(path).map_err(|source| ReadError::io(path, source))?.len(),
        notes: notes(&demuxer, alpha),
        ..Item::default()
    };
    check_size(path, width, height, byte_length(full_format(&item), 1, 1) as u64)?;
    // Checked to fit just before.
    (item.width, item.height) = (width as u32, height as u32);
    item.estimated_frames = estimated_frames(&demuxer, &stream, &item);
    Ok(item)
}

/// What a pixel format says of its pictures.
struct PixelTraits {
    bit_depth: u32,
    alpha: bool,
    grey: bool,
}

impl PixelTraits {
    fn of(format: Pixel) -> Self {
        // SAFETY: the descriptor is static, or null for no format.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format.into()).as_ref() };
        let flag = |flag: u32| descriptor.is_some_and(|descriptor| descriptor.flags & u64::from(flag) != 0);
        let depth = descriptor.map_or(8, |descriptor| descriptor.comp[0].depth);
        let bit_depth = match depth {
            ..=8 => 8,
            9..=10 => 10,
            11..=12 => 12,
            _ => 16,
        };
        // Palettes are flagged as if each of them had transparent entries.
        let alpha = flag(ffi::AV_PIX_FMT_FLAG_ALPHA as u32) && !flag(ffi::AV_PIX_FMT_FLAG_PAL as u32);
        Self { bit_depth, alpha, grey: is_grey(format) }
    }
}

/// Width over height of a pixel; square where the file says nothing or nonsense.
fn pixel_aspect(demuxer: &Demuxer, stream: &format::stream::Stream<'_>) -> Rational {
    // SAFETY: context and stream are alive and belong together; without a frame the stream's own value is used.
    let aspect = unsafe {
        let context = demuxer.input().as_ptr().cast_mut();
        ffi::av_guess_sample_aspect_ratio(context, stream.as_ptr().cast_mut(), std::ptr::null_mut())
    };
    sensible_aspect((aspect.num.into(), aspect.den.into()))
}

/// What is not read of a video.
fn notes(demuxer: &Demuxer, alpha: Alpha) -> Vec<String> {
    let alpha = match alpha {
        Alpha::Lost(decoder) => Some(format!("its alpha is not read: this FFmpeg lacks the decoder {decoder}")),
        _ => None,
    };
    let films = demuxer.stream().ok().and_then(|stream| several_films(demuxer.input(), stream.index()));
    alpha.into_iter().chain(films).collect()
}

/// A pixel's aspect that a file says; square where it is none.
fn sensible_aspect((num, den): (i64, i64)) -> Rational {
    let sensible = num > 0 && den > 0 && num <= den * MAX_ASPECT && den <= num * MAX_ASPECT;
    if sensible { Rational { num, den } } else { Rational { num: 1, den: 1 } }
}

/// How the display matrix puts the picture upright: clockwise degrees to the nearest quarter, and whether it is mirrored top to bottom before.
/// Together these are all eight ways to lay a rectangle on its place, as the `ffmpeg` program shows them.
fn orientation(stream: &format::stream::Stream<'_>) -> (u32, bool) {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    let Some(bytes) = matrix.as_ref().map(|data| data.data()).filter(|bytes| bytes.len() >= 36) else {
        return (0, false);
    };
    let mut numbers = [0i32; 9];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    // SAFETY: the matrix has its nine numbers.
    let counterclockwise = unsafe { ffi::av_display_rotation_get(numbers.as_ptr()) };
    if counterclockwise.is_nan() {
        return (0, false);
    }
    let quarters = (-counterclockwise / 90.0).round() as i64;
    // ISO 14496-12: x' = a·x + c·y, y' = b·x + d·y. A negative determinant mirrors; the rotation is that of the x axis.
    let [a, b, _, c, d, ..] = numbers.map(i64::from);
    (quarters.rem_euclid(4) as u32 * 90, a * d - b * c < 0)
}

/// Size of the picture as shown: wide pixels widen it, tall ones narrow it, then it is turned.
fn displayed_size(coded: (u32, u32), aspect: Rational, rotation: u32) -> (u64, u64) {
    let width = (i64::from(coded.0) * aspect.num * 2 + aspect.den) / (2 * aspect.den);
    let (width, height) = (width.max(0) as u64, u64::from(coded.1));
    if rotation.is_multiple_of(180) { (width, height) } else { (height, width) }
}

/// Average frame rate; the container's base rate where there is none.
fn frame_rate(stream: &format::stream::Stream<'_>) -> Rational {
    let sensible = |rate: ffmpeg_next::Rational| {
        let (num, den) = (i64::from(rate.numerator()), i64::from(rate.denominator()));
        (num > 0 && den > 0 && num <= den * MAX_RATE).then_some(Rational { num, den })
    };
    sensible(stream.avg_frame_rate()).or_else(|| sensible(stream.rate())).unwrap_or(Rational { num: 25, den: 1 })
}

/// Frames that the headers promise, as far as the file's length can hold them: one absurd header must not drown what others say.
fn estimated_frames(demuxer: &Demuxer, stream: &format::stream::Stream<'_>, item: &Item) -> u64 {
    let own = (stream.duration() > 0).then(|| scale(stream.duration(), stream.time_base(), 1_000_000_000));
    let container = demuxer.input().duration().saturating_mul(1000);
    let promised = Promised {
        frames: u64::try_from(stream.frames()).unwrap_or(0),
        duration_ns: own.unwrap_or(container).max(0),
        container_ns: container.max(0),
        rate: item.frame_rate.unwrap_or_default(),
    };
    promised.estimate(item.bytes)
}

/// What headers say of a film's length; 0 where they say nothing.
struct Promised {
    frames: u64,
    duration_ns: i64,
    container_ns: i64,
    rate: Rational,
}

impl Promised {
    /// The count of frames, unless it is more than twice what fits into the container's duration; without one, as many as the duration
    /// has at the frame rate. Never more than the file has room for.
    fn estimate(&self, bytes: u64) -> u64 {
        let room = (bytes / FRAME_BYTES).max(1);
        let fits = match self.container_ns {
            0 => u64::MAX,
            duration => self.frames_in(duration).saturating_mul(2).max(1),
        };
        let frames = match self.frames {
            0 => self.frames_in(self.duration_ns),
            frames if frames <= fits => frames,
            _ => self.frames_in(self.container_ns),
        };
        frames.min(room)
    }

    fn frames_in(&self, duration_ns: i64) -> u64 {
        let rate = self.rate;
        let frames = i128::from(duration_ns) * i128::from(rate.num) / (1_000_000_000 * i128::from(rate.den.max(1)));
        u64::try_from(frames).unwrap_or(0)
    }
}

/// Colour tags of a stream.
fn colour(stream: &format::stream::Stream<'_>) -> Colour {
    let parameters = stream.parameters();
    // SAFETY: plain fields of parameters that are alive; the names are static or null.
    unsafe {
        let raw = &*parameters.as_ptr();
        Colour {
            primaries: tag(ffi::av_color_primaries_name(raw.color_primaries)),
            transfer: tag(ffi::av_color_transfer_name(raw.color_trc)),
            matrix: tag(ffi::av_color_space_name(raw.color_space)),
            range: tag(ffi::av_color_range_name(raw.color_range)),
            ..Colour::default()
        }
    }
}

/// A name of libavutil's; empty where the source does not say.
///
/// # Safety
/// `name` is null or a static, NUL-terminated string.
unsafe fn tag(name: *const c_char) -> String {
    if name.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    if matches!(&*name, "unknown" | "reserved") { String::new() } else { name.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 25 frames a second: frames, seconds of the stream and of the container, bytes of the file.
    fn estimate(frames: u64, seconds: i64, container: i64, bytes: u64) -> u64 {
        let (duration_ns, container_ns) = (seconds * 1_000_000_000, container * 1_000_000_000);
        Promised { frames, duration_ns, container_ns, rate: Rational { num: 25, den: 1 } }.estimate(bytes)
    }

    #[test]
    fn headers_are_believed_as_far_as_the_file_can_hold_it() {
        assert_eq!(estimate(862, 34, 34, 2_000_000), 862);
        assert_eq!(estimate(0, 34, 40, 2_000_000), 850, "without a count, the stream's duration");
        assert_eq!(estimate(862, 0, 0, 2_000_000), 862, "without a duration, the count");
        assert_eq!(estimate(1700, 34, 34, 2_000_000), 1700, "a rate may vary");
        assert_eq!(estimate(u64::from(u32::MAX), 34, 34, 2_000_000), 850);
        assert_eq!(estimate(u64::from(u32::MAX), 0, 0, 2_000_000), 250_000);
        assert_eq!(estimate(u64::from(u32::MAX), 171_798_691, 171_798_691, 2_000_000), 250_000);
        assert_eq!(estimate(0, 0, 0, 2_000_000), 0, "nobody knows");
    }
}
