//! Recordings as cameras and broadcasts leave them: parts with clocks of their own put one behind the other, beginnings that were not
//! recorded whole.
use crate::{TestkitError, reference::capture};
use std::path::{Path, PathBuf};

/// Bytes of a packet of a transport stream.
const TS_PACKET: usize = 188;

/// Bytes of the header of an FLV file and of the length before its first tag.
const FLV_HEADER: usize = 13;

/// Puts files of one container (TS, MPEG program streams, FLV) one behind the other, byte by byte: times start anew with each.
pub fn append(parts: &[PathBuf], target: &Path) -> Result<PathBuf, TestkitError> {
    let is_flv = target.extension().is_some_and(|extension| extension == "flv");
    let mut all = Vec::new();
    for part in parts {
        let bytes = std::fs::read(part).map_err(TestkitError::io(part))?;
        let from = if is_flv && !all.is_empty() { FLV_HEADER } else { 0 };
        all.extend_from_slice(&bytes[from.min(bytes.len())..]);
    }
    std::fs::write(target, all).map_err(TestkitError::io(target))?;
    Ok(target.to_owned())
}

/// Copies a transport stream without its first packets of 188 bytes, a share (0..1) of all: it begins in the middle of a group of pictures.
pub fn cut_beginning(source: &Path, target: &Path, share: f64) -> Result<PathBuf, TestkitError> {
    let bytes = std::fs::read(source).map_err(TestkitError::io(source))?;
    let packets = (bytes.len() / TS_PACKET) as f64 * share.clamp(0.0, 1.0);
    std::fs::write(target, &bytes[packets as usize * TS_PACKET..]).map_err(TestkitError::io(target))?;
    Ok(target.to_owned())
}

/// Copies a file without coding it again, with more arguments between input and output: other containers, times by `setts`, metadata.
pub fn remux(source: &Path, target: &Path, arguments: &[&str]) -> Result<PathBuf, TestkitError> {
    let (from, to) = (source.display().to_string(), target.display().to_string());
    // Further inputs come first.
    let inputs = arguments.chunks(2).take_while(|pair| pair[0] == "-i").count() * 2;
    let (inputs, arguments) = arguments.split_at(inputs);
    let before = ["-v", "error", "-nostdin", "-i", &from];
    capture("ffmpeg", &[&before[..], inputs, &["-map", "0", "-c", "copy"], arguments, &["-y", &to]].concat())?;
    Ok(target.to_owned())
}

/// When a file's sound becomes loud (a tenth of full scale), seconds on the file's clock; `None` when it never does.
pub fn onset(path: &Path) -> Result<Option<f64>, TestkitError> {
    const RATE: f64 = 48_000.0;
    let file = path.display().to_string();
    let placed = "aresample=48000:async=1:min_hard_comp=0.001:first_pts=0";
    let arguments = ["-v", "error", "-nostdin", "-copyts", "-i", &file, "-map", "0:a:0", "-af", placed];
    let (bytes, _) = capture("ffmpeg", &[&arguments[..], &["-ac", "1", "-f", "s16le", "-"]].concat())?;
    let loud = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 3276;
    Ok(bytes.chunks_exact(2).position(loud).map(|sample| sample as f64 / RATE))
}

/// Video frames that the `ffprobe` program decodes.
pub fn count_frames(path: &Path) -> Result<u64, TestkitError> {
    let file = path.display().to_string();
    let shown = ["-select_streams", "v:0", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"];
    let (text, _) = capture("ffprobe", &[&["-v", "quiet"], &shown[..], &[file.as_str()]].concat())?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(text.lines().find_map(|line| line.trim_end_matches(',').parse().ok()).unwrap_or(0))
}
