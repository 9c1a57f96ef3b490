//! Frames out of interlaced material, by libavfilter's bwdif.
use crate::video::filter_library::Chain;
use crate::video::reader::Decoded;
use ffmpeg_next::{ffi, frame};
use framefleet_frames::ReadError;
use std::path::Path;

/// Frames on either side that a deinterlaced frame is computed with. bwdif looks at one; the second makes certain that
/// its treatment of the first frame it is given never reaches a frame that is kept.
pub const HALO: usize = 2;

/// What is done about interlaced video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Deinterlace {
    /// One frame of each frame where combing was measured; nothing elsewhere.
    #[default]
    Auto,
    /// Nothing.
    Off,
    /// One frame of each frame, always.
    Frame,
    /// One frame of each field, always: another timeline with twice the frames.
    Field,
}

/// How frames are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    fields_are_frames: bool,
    top_first: bool,
}

impl Deinterlace {
    /// Whether the answer depends on a video's measured scan.
    pub fn wants_scan(self) -> bool {
        self != Self::Off
    }

    /// What is done about a video of this scan; `None`: nothing.
    pub fn method(self, scan: &str) -> Option<Method> {
        let interlaced = matches!(scan, "tff" | "bff");
        let wanted = match self {
            Self::Auto => interlaced,
            Self::Off => false,
            Self::Frame | Self::Field => true,
        };
        wanted.then_some(Method { fields_are_frames: self == Self::Field, top_first: scan != "bff" })
    }
}

impl Method {
    /// Whether each field becomes a frame.
    pub fn fields_are_frames(self) -> bool {
        self.fields_are_frames
    }
}

/// Time of a frame's second field: half-way to the next frame, or as far as the frame before was if it is the last.
pub fn second_field_ns(previous: Option<i64>, own: i64, next: Option<i64>) -> i64 {
    const WITHOUT_NEIGHBOURS: i64 = 20_000_000;
    match (previous, next) {
        (_, Some(next)) => own + (next - own) / 2,
        (Some(previous), None) => own.saturating_add((own - previous) / 2),
        (None, None) => own.saturating_add(WITHOUT_NEIGHBOURS),
    }
}

/// Deinterlaces consecutive frames: one or two per frame, in order. The first and last [`HALO`] of them depend on what the
/// run began and ended with; the others only on their neighbours, where those have the same size and format.
pub fn deinterlace(frames: &[&Decoded], method: Method, path: &Path) -> Result<Vec<frame::Video>, ReadError> {
    let shape = |decoded: &Decoded| (decoded.frame.format(), decoded.frame.width(), decoded.frame.height());
    let mut made = Vec::with_capacity(frames.len());
    for alike in frames.chunk_by(|a, b| shape(a) == shape(b)) {
        made.extend(deinterlace_alike(alike, method, path)?);
    }
    Ok(made)
}

/// Deinterlaces frames of one size and format: the filter reads beyond the rows of smaller neighbours.
fn deinterlace_alike(frames: &[&Decoded], method: Method, path: &Path) -> Result<Vec<frame::Video>, ReadError> {
    let failed = |reason: String| ReadError::convert(path, format!("deinterlacing: {reason}"));
    let Some(first) = frames.first() else { return Ok(Vec::new()) };
    let mut chain = chain(&first.frame, method).map_err(failed)?;
    let mut made = Vec::new();
    for (number, decoded) in frames.iter().enumerate() {
        let mut frame = share(&decoded.frame).map_err(|error| failed(error.to_string()))?;
        frame.set_pts(Some(number as i64));
        chain.put(Some(&mut frame)).map_err(failed)?;
        drain(&mut chain, &mut made).map_err(failed)?;
    }
    chain.put(None).map_err(failed)?;
    drain(&mut chain, &mut made).map_err(failed)?;
    let expected = frames.len() * if method.fields_are_frames { 2 } else { 1 };
    if made.len() != expected {
        return Err(ReadError::convert(path, format!("deinterlacing made {} frames, not {expected}", made.len())));
    }
    Ok(made)
}

/// bwdif on frames like this one.
fn chain(like: &frame::Video, method: Method) -> Result<Chain, String> {
    let format = ffi::AVPixelFormat::from(like.format()) as i32;
    let (width, height) = (like.width(), like.height());
    let source = format!("video_size={width}x{height}:pix_fmt={format}:time_base=1/1000:pixel_aspect=1/1");
    let mode = if method.fields_are_frames { "send_field" } else { "send_frame" };
    let parity = if method.top_first { "tff" } else { "bff" };
    Chain::new(&source, "bwdif", &format!("mode={mode}:parity={parity}:deint=all"))
}

/// Another reference to a frame's pixels; a filter graph takes the one it is given.
fn share(frame: &frame::Video) -> Result<frame::Video, ffmpeg_next::Error> {
    let mut shared = frame::Video::empty();
    // SAFETY: both frames are alive, and the new one holds nothing yet.
    match unsafe { ffi::av_frame_ref(shared.as_mut_ptr(), frame.as_ptr()) } {
        code if code < 0 => Err(ffmpeg_next::Error::from(code)),
        _ => Ok(shared),
    }
}

/// Takes the frames that are ready.
fn drain(chain: &mut Chain, made: &mut Vec<frame::Video>) -> Result<(), String> {
    while let Some(frame) = chain.take()? {
        made.push(frame);
    }
    Ok(())
}
