//! Opens containers by libavformat: local files alone, and no demuxer that reads others.
use ffmpeg_next::{Dictionary, ffi, format};
use framefleet_frames::ReadError;
use std::ffi::CStr;
use std::path::Path;
use std::sync::OnceLock;

/// Demuxers that read other files or the network, or that make "videos" of text and single pictures.
const DENIED: [&str; 26] = [
    "concat",
    "hls",
    "dash",
    "imf",
    "sdp",
    "rtsp",
    "rtp",
    "sap",
    "image2",
    "image2pipe",
    "tty",
    "ffmetadata",
    "lavfi",
    "srt",
    "ass",
    "webvtt",
    "microdvd",
    "subviewer",
    "subviewer1",
    "jacosub",
    "sami",
    "realtext",
    "tedcaptions",
    "vplayer",
    "bin",
    "adf",
];

/// Opens a container after its probe, local files only, with its streams' headers read.
pub(super) fn open(path: &Path) -> Result<format::context::Input, ReadError> {
    crate::log::start();
    let metadata = std::fs::metadata(path).map_err(|source| ReadError::io(path, source))?;
    if metadata.len() == 0 {
        return Err(ReadError::EmptyFile(path.to_owned()));
    }
    let name = path.to_str().filter(|name| !name.contains('\0')).ok_or_else(|| ReadError::Name(path.to_owned()))?;
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", "file");
    options.set("format_whitelist", allowed_demuxers());
    crate::log::forget();
    // The prefix keeps a file called "http:…" a file.
    format::input_with_dictionary(&format!("file:{name}"), options)
        .map_err(|error| ReadError::container(path, crate::log::reason(error)))
}

/// Names of the demuxers that media may be opened with, joined by commas.
fn allowed_demuxers() -> &'static str {
    static NAMES: OnceLock<String> = OnceLock::new();
    NAMES.get_or_init(|| demuxer_names().into_iter().filter(|name| is_allowed(name)).collect::<Vec<_>>().join(","))
}

/// Whether a demuxer (its name may be a list of synonyms) reads media out of the one file it is given.
fn is_allowed(name: &str) -> bool {
    name.split(',').all(|part| !DENIED.contains(&part) && !part.ends_with("_pipe"))
}

/// Names of all demuxers that this FFmpeg has.
fn demuxer_names() -> Vec<String> {
    let mut names = Vec::new();
    let mut state = std::ptr::null_mut();
    loop {
        // SAFETY: the iteration state starts as null and is only touched by libavformat; what it gives is static.
        let demuxer = unsafe { ffi::av_demuxer_iterate(&mut state) };
        if demuxer.is_null() {
            return names;
        }
        // SAFETY: a demuxer's name is a static, NUL-terminated string.
        names.push(unsafe { CStr::from_ptr((*demuxer).name) }.to_string_lossy().into_owned());
    }
}
