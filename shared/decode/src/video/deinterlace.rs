//! Frames out of interlaced material, by libavfilter's bwdif.
use crate::video::reader::Decoded;
use ffmpeg_next::{Rational, ffi, filter, frame};
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
    let failed = |error: ffmpeg_next::Error| ReadError::convert(path, format!("deinterlacing: {error}"));
    let Some(first) = frames.first() else { return Ok(Vec::new()) };
    let mut graph = graph(&first.frame, method).map_err(failed)?;
    let mut made = Vec::new();
    for (number, decoded) in frames.iter().enumerate() {
        let mut frame = share(&decoded.frame).map_err(failed)?;
        frame.set_pts(Some(number as i64));
        let mut source = graph.get("in").ok_or(ffmpeg_next::Error::FilterNotFound).map_err(failed)?;
        source.source().add(&frame).map_err(failed)?;
        drain(&mut graph, &mut made).map_err(failed)?;
    }
    let mut source = graph.get("in").ok_or(ffmpeg_next::Error::FilterNotFound).map_err(failed)?;
    source.source().flush().map_err(failed)?;
    drain(&mut graph, &mut made).map_err(failed)?;
    let expected = frames.len() * if method.fields_are_frames { 2 } else { 1 };
    if made.len() != expected {
        return Err(ReadError::convert(path, format!("deinterlacing made {} frames, not {expected}", made.len())));
    }
    Ok(made)
}

/// buffer → bwdif → buffersink, on one thread.
fn graph(like: &frame::Video, method: Method) -> Result<filter::Graph, ffmpeg_next::Error> {
    let missing = ffmpeg_next::Error::FilterNotFound;
    let mut graph = filter::Graph::new();
    // SAFETY: the graph is not configured yet; `nb_threads` is a plain field for callers.
    unsafe { (*graph.as_mut_ptr()).nb_threads = 1 };
    let base = Rational::new(1, 1000);
    let format = ffi::AVPixelFormat::from(like.format()) as i32;
    let source = format!(
        "video_size={}x{}:pix_fmt={format}:time_base={}/{}:pixel_aspect=1/1",
        like.width(),
        like.height(),
        base.numerator(),
        base.denominator()
    );
    graph.add(&filter::find("buffer").ok_or(missing)?, "in", &source)?;
    graph.add(&filter::find("buffersink").ok_or(missing)?, "out", "")?;
    let mode = if method.fields_are_frames { "send_field" } else { "send_frame" };
    let parity = if method.top_first { "tff" } else { "bff" };
    let spec = format!("bwdif=mode={mode}:parity={parity}:deint=all");
    graph.output("in", 0)?.input("out", 0)?.parse(&spec)?;
    graph.validate()?;
    Ok(graph)
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
fn drain(graph: &mut filter::Graph, made: &mut Vec<frame::Video>) -> Result<(), ffmpeg_next::Error> {
    let mut sink = graph.get("out").ok_or(ffmpeg_next::Error::FilterNotFound)?;
    loop {
        let mut frame = frame::Video::empty();
        match sink.sink().frame(&mut frame) {
            Ok(()) => made.push(frame),
            Err(ffmpeg_next::Error::Eof) => return Ok(()),
            Err(ffmpeg_next::Error::Other { errno }) if errno == ffmpeg_next::error::EAGAIN => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
