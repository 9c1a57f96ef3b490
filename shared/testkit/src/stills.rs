//! Image files and folders of them.
use crate::{Picture, TestkitError, reference::Feed};
use std::path::{Path, PathBuf};

/// Writes an 8-bit picture; the name's extension chooses the format (png, jpg, tiff, bmp, webp). JPEG is of the best
/// quality, TIFF uncompressed.
pub fn write_image(path: &Path, picture: &Picture) -> Result<PathBuf, TestkitError> {
    let format = if is_jpeg(path) { "yuvj444p" } else { "rgb24" };
    write(path, (picture.width, picture.height), "rgb24", format, &picture.rgb)
}

/// Writes a 16-bit picture of 1, 3 or 4 interleaved channels over the full range, `height · width · channels` samples, as
/// PNG or (uncompressed) TIFF.
pub fn write_image16(path: &Path, width: u32, height: u32, samples: &[u16]) -> Result<PathBuf, TestkitError> {
    let format = match samples.len() / (width as usize * height as usize).max(1) {
        1 => "gray16le",
        4 => "rgba64le",
        _ => "rgb48le",
    };
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    // PNG's encoder takes big-endian samples.
    let output = if extension(path) == "png" { format.replace("le", "be") } else { format.to_owned() };
    write(path, (width, height), format, &output, &bytes)
}

/// Writes `count` pictures as `frame_000000.<extension>`, … into a folder, which is made; returns their paths.
pub fn image_folder(
    folder: &Path,
    extension: &str,
    count: u64,
    mut paint: impl FnMut(u64) -> Picture,
) -> Result<Vec<PathBuf>, TestkitError> {
    std::fs::create_dir_all(folder).map_err(TestkitError::io(folder))?;
    (0..count).map(|n| write_image(&folder.join(format!("frame_{n:06}.{extension}")), &paint(n))).collect()
}

/// Writes a file that begins as a JPEG does and then is none: header and tables are whole, the picture is garbage and
/// ends half-way.
pub fn corrupt_jpeg(path: &Path) -> Result<PathBuf, TestkitError> {
    write_image(path, &Picture::from_fn(64, 48, |x, y| [(x * 4) as u8, (y * 5) as u8, (x ^ y) as u8]))?;
    let mut bytes = std::fs::read(path).map_err(TestkitError::io(path))?;
    // The marker of the start of frame is made one of a coding that nobody implements.
    if let Some(at) = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]) {
        bytes[at + 1] = 0xCF;
    }
    bytes.truncate(bytes.len() / 2);
    std::fs::write(path, bytes).map_err(TestkitError::io(path))?;
    Ok(path.to_owned())
}

fn write(path: &Path, size: (u32, u32), input: &str, output: &str, bytes: &[u8]) -> Result<PathBuf, TestkitError> {
    let size = format!("{}x{}", size.0, size.1);
    let file = path.display().to_string();
    let mut arguments = vec!["-f", "rawvideo", "-pixel_format", input, "-video_size", &size, "-i", "pipe:0"];
    arguments.extend(["-frames:v", "1", "-update", "1", "-pix_fmt", output]);
    if is_jpeg(path) {
        arguments.extend(["-q:v", "1", "-qmin", "1"]);
    }
    if matches!(extension(path).as_str(), "tif" | "tiff") {
        arguments.extend(["-compression_algo", "raw"]);
    }
    arguments.extend(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-y", &file]);
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    let mut feed = Feed::start("ffmpeg", &arguments)?;
    feed.write(bytes);
    feed.finish()?;
    Ok(path.to_owned())
}

fn is_jpeg(path: &Path) -> bool {
    matches!(extension(path).as_str(), "jpg" | "jpeg")
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}
