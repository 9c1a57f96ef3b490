//! Whether a joined file has the frames of its pieces.
use super::{EncodeError, pieces::Pieces};
use ffmpeg_next::{self as ffmpeg, Packet, Rescale, ffi, media::Type};
use std::path::Path;

/// Reads the file's video packets beside those of the pieces: as many, at the same times (to the coarser of the two units,
/// after whatever the muxer moved all streams by). Returns how many. Nothing is decoded, nothing held.
pub(super) fn verify(
    path: &Path,
    pieces: &mut Pieces<'_>,
    unit: ffmpeg::Rational,
    offset: i64,
) -> Result<u64, EncodeError> {
    let fail = |doing| EncodeError::ffmpeg(path, doing);
    let wrong = |problem: String| EncodeError::Verification { path: path.to_owned(), problem };
    let mut input = ffmpeg::format::input(path).map_err(fail("opening the joined file"))?;
    let stream = input.streams().best(Type::Video).ok_or_else(|| wrong("there is no video stream".to_owned()))?;
    let (index, found_unit) = (stream.index(), stream.time_base());
    let mut frames = 0;
    let mut moved = None;
    loop {
        let found = next_of(&mut input, index).map_err(fail("reading the joined file"))?;
        let expected = pieces.next_packet()?;
        let (found, expected) = match (found, expected) {
            (None, None) => return Ok(frames),
            (Some(found), Some(expected)) => (found, expected),
            (Some(_), None) => return Err(wrong(format!("it has more than the {frames} frames of the pieces"))),
            (None, Some(_)) => return Err(wrong(format!("it ends after {frames} frames, the pieces go on"))),
        };
        let found_pts = found.pts().unwrap_or(ffi::AV_NOPTS_VALUE);
        let wanted_pts = (expected.pts().unwrap_or(0) + offset).rescale(unit, found_unit);
        let shift = *moved.get_or_insert(found_pts.saturating_sub(wanted_pts));
        let tolerance = 1i64.rescale(unit, found_unit).max(1);
        if (found_pts.saturating_sub(wanted_pts)).abs_diff(shift) > tolerance.unsigned_abs() {
            return Err(wrong(format!(
                "packet {frames} is shown at {found_pts}, not at {} (unit {found_unit} s)",
                wanted_pts + shift
            )));
        }
        frames += 1;
    }
}

/// The next packet of a stream.
fn next_of(input: &mut ffmpeg::format::context::Input, index: usize) -> Result<Option<Packet>, ffmpeg::Error> {
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Err(ffmpeg::Error::Eof) => return Ok(None),
            Err(error) => return Err(error),
            Ok(()) if packet.stream() == index => return Ok(Some(packet)),
            Ok(()) => {}
        }
    }
}
