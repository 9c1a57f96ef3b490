//! The `ffmpeg` and `ffprobe` programs: they feed files and are the reference that our own reading is compared with.
use crate::{Picture, TestkitError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A program that is fed through a pipe. What it prints goes to a file, so that no pipe can fill up.
pub(crate) struct Feed {
    child: Child,
    program: String,
    arguments: String,
    printed: std::fs::File,
}

impl Feed {
    /// Starts `ffmpeg` with quiet output before the given arguments.
    pub(crate) fn start(program: &str, arguments: &[String]) -> Result<Self, TestkitError> {
        let printed = tempfile::tempfile().map_err(TestkitError::io(std::env::temp_dir()))?;
        let errors = printed.try_clone().map_err(TestkitError::io(std::env::temp_dir()))?;
        let child = Command::new(program)
            .args(["-v", "error", "-nostdin", "-nostats"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .map_err(TestkitError::io(program))?;
        Ok(Self { child, program: program.to_owned(), arguments: arguments.join(" "), printed })
    }

    /// Feeds bytes; `false` when the program no longer reads (then [`Feed::finish`] says why).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> bool {
        self.child.stdin.as_mut().is_some_and(|pipe| pipe.write_all(bytes).is_ok())
    }

    /// Ends the input and waits.
    pub(crate) fn finish(mut self) -> Result<(), TestkitError> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(TestkitError::io(&self.program))?;
        if status.success() {
            return Ok(());
        }
        let mut message = String::new();
        let read = self.printed.rewind().and_then(|()| self.printed.read_to_string(&mut message));
        read.map_err(TestkitError::io(std::env::temp_dir()))?;
        Err(TestkitError::Program { program: self.program, arguments: self.arguments, message })
    }
}

/// Runs a program to its end: what it wrote to stdout and to stderr.
pub(crate) fn capture(program: &str, arguments: &[&str]) -> Result<(Vec<u8>, String), TestkitError> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).output().map_err(TestkitError::io(program))?;
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok((output.stdout, message));
    }
    Err(TestkitError::Program { program: program.to_owned(), arguments: arguments.join(" "), message })
}

/// What `ffprobe` says of a file: `format`, `streams` (with `nb_read_packets`) and `chapters`.
pub fn ffprobe(path: &Path) -> Result<serde_json::Value, TestkitError> {
    let file = path.display().to_string();
    let shown = ["-show_format", "-show_streams", "-show_chapters", "-count_packets"];
    let arguments = [&["-v", "error", "-of", "json"], &shown[..], &[file.as_str()]].concat();
    let (json, _) = capture("ffprobe", &arguments)?;
    serde_json::from_slice(&json).map_err(|error| TestkitError::Program {
        program: "ffprobe".to_owned(),
        arguments: file,
        message: error.to_string(),
    })
}

/// Presentation times of a file's video frames in seconds, in the order they are shown.
pub fn frame_times(path: &Path) -> Result<Vec<f64>, TestkitError> {
    let file = path.display().to_string();
    let shown = ["-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"];
    let arguments = [&["-v", "error"], &shown[..], &[file.as_str()]].concat();
    let (lines, _) = capture("ffprobe", &arguments)?;
    let lines = String::from_utf8_lossy(&lines).into_owned();
    Ok(lines.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect())
}

/// Decodes every video frame as displayed (rotation applied, coded size otherwise) to 8-bit RGB. All frames are held in
/// memory: for short, small clips.
pub fn decode_rgb8(path: &Path) -> Result<Vec<Picture>, TestkitError> {
    let (bytes, width, height) = decode(path, "rgb24")?;
    let frame = (width as usize * height as usize * 3).max(1);
    Ok(bytes.chunks_exact(frame).map(|rgb| Picture { width, height, rgb: rgb.to_vec() }).collect())
}

/// Decodes every video frame as displayed to 16-bit RGB: width, height, and `height · width · 3` samples per frame.
pub fn decode_rgb16(path: &Path) -> Result<(u32, u32, Vec<Vec<u16>>), TestkitError> {
    let (bytes, width, height) = decode(path, "rgb48le")?;
    let frame = (width as usize * height as usize * 6).max(1);
    let samples = |bytes: &[u8]| bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    Ok((width, height, bytes.chunks_exact(frame).map(samples).collect()))
}

/// What the decoder complains about when the whole file is decoded; empty for a sound one.
pub fn decode_errors(path: &Path) -> Result<String, TestkitError> {
    let file = path.display().to_string();
    let input = ["-v", "error", "-nostdin", "-threads", "1", "-i", &file];
    // In the file's own unit of time: in whole frames, those of variable duration would meet.
    let output = ["-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"];
    capture("ffmpeg", &[&input[..], &output[..]].concat()).map(|(_, message)| message)
}

/// All frames in one pixel format, and the displayed size.
fn decode(path: &Path, format: &str) -> Result<(Vec<u8>, u32, u32), TestkitError> {
    let file = path.display().to_string();
    let input = ["-v", "error", "-nostdin", "-threads", "1", "-i", &file, "-map", "0:v:0", "-fps_mode", "passthrough"];
    let scaler = ["-sws_flags", "bicubic+accurate_rnd+full_chroma_int"];
    let size = size_as_displayed(path)?;
    let output = ["-pix_fmt", format, "-f", "rawvideo", "-"];
    let (bytes, _) = capture("ffmpeg", &[&input[..], &scaler[..], &output[..]].concat())?;
    Ok((bytes, size.0, size.1))
}

/// Size after `ffmpeg` applied the rotation, in coded pixels otherwise.
fn size_as_displayed(path: &Path) -> Result<(u32, u32), TestkitError> {
    let probe = ffprobe(path)?;
    let streams = probe["streams"].as_array().cloned().unwrap_or_default();
    let video = streams.iter().find(|stream| stream["codec_type"] == "video");
    let size = |name: &str| video.and_then(|stream| stream[name].as_u64()).unwrap_or(0) as u32;
    let side_data = video.and_then(|stream| stream["side_data_list"].as_array()).cloned().unwrap_or_default();
    let rotation = side_data.iter().find_map(|data| data["rotation"].as_i64()).unwrap_or(0);
    let turned = rotation.rem_euclid(180) == 90;
    Ok(if turned { (size("height"), size("width")) } else { (size("width"), size("height")) })
}
