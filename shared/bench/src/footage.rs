//! Clips to measure on: the source scaled to a size, or one that is painted. Both are H.264 in MP4, so that sizes differ in size alone.
mod clip;
mod synthetic;

pub use synthetic::synthetic;

use crate::BenchError;
use crate::size::Size;
use clip::ClipWriter;
use framefleet_frames::frame::batch_frames;
use framefleet_frames::{Frame, Image, Item, ItemKind, Rendition};
use framefleet_stage::{HeapSink, IndexRequest, IngestRequest, SourceStage as _};
use framefleet_vision::{VisionError, mat};
use ingest::{Ingest, Settings};
use opencv::core::{Mat, MatTraitConst as _, MatTraitConstManual as _};
use opencv::imgproc;
use std::path::{Path, PathBuf};

/// A clip in a temporary folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaledClip {
    /// The file.
    pub path: PathBuf,
    /// Width and height of its frames.
    pub size: (u32, u32),
    /// Its frames.
    pub frames: u64,
}

/// Scales the first frames of a source's first video to a size, by area where it shrinks and bicubic where it grows. 8-bit.
pub fn scaled(source: &str, size: Size, frames: u64, folder: &Path) -> Result<ScaledClip, BenchError> {
    let ingest = Ingest::new(Settings::default());
    let unfit = |problem: &str| BenchError::Source { source_name: source.to_owned(), problem: problem.to_owned() };
    let is_film = |item: &Item| item.kind() != ItemKind::Stills;
    let item = ingest.probe(source)?.items.into_iter().find(is_film);
    let item = item.ok_or_else(|| unfit("it has no video; leave --sizes out to measure pictures as they are"))?;
    let mut writer: Option<ClipWriter> = None;
    let mut failed = None;
    let path = folder.join(format!("{size}.mp4"));
    let mut write = |item: &Item, frame: &Frame| -> Result<(), BenchError> {
        let writer = match &mut writer {
            Some(writer) => writer,
            None => {
                let fitted = size.fit((frame.image.width(), frame.image.height()));
                writer.insert(ClipWriter::create(&path, item, fitted)?)
            }
        };
        writer.push(&resize(&frame.image, writer.size())?, frame.pts_ns)
    };
    let request = IndexRequest { batch_frames: batch_frames(&item), ..IndexRequest::default() };
    ingest.index(&item, request, &mut |batches| {
        for batch in batches {
            let wanted: Vec<u64> =
                (batch.start..batch.start + batch.pts_ns.len() as u64).take_while(|frame| *frame < frames).collect();
            if wanted.is_empty() {
                return false;
            }
            let mut sink = HeapSink::default();
            let request = IngestRequest { batch, proxy: Vec::new(), full: wanted };
            let decoded = ingest.ingest(&item, &request, &mut sink);
            let decoded = decoded.and_then(|(places, _)| sink.into_frames(Rendition::Full, &places));
            let written = decoded
                .map_err(BenchError::from)
                .and_then(|frames| frames.iter().try_for_each(|frame| write(&item, frame)));
            if let Err(error) = written {
                failed = Some(error);
                return false;
            }
        }
        true
    })?;
    match (failed, writer) {
        (Some(error), _) => Err(error),
        (None, Some(writer)) => writer.finish(),
        (None, None) => Err(unfit("none of its frames can be decoded")),
    }
}

/// A picture of another size, in 8-bit RGB.
fn resize(image: &Image, (width, height): (u32, u32)) -> Result<Image, BenchError> {
    let picture = rgb8(image)?;
    let shrinks = u64::from(width) * u64::from(height) < u64::from(image.width()) * u64::from(image.height());
    let method = if shrinks { imgproc::INTER_AREA } else { imgproc::INTER_CUBIC };
    let size = opencv::core::Size::new(width as i32, height as i32);
    let mut resized = Mat::default();
    imgproc::resize(&picture, &mut resized, size, 0.0, 0.0, method).map_err(VisionError::from)?;
    let bytes = resized.data_bytes().map_err(VisionError::from)?.to_vec();
    clip::rgb_image((width, height), bytes)
}

/// The colours of a picture, 8 bits each: deeper ones are rounded, alpha is left out, grey is spread.
fn rgb8(image: &Image) -> Result<Mat, BenchError> {
    let picture = mat::view(image)?;
    let eight = match picture.depth() {
        opencv::core::CV_16U => {
            let mut eight = Mat::default();
            picture.convert_to(&mut eight, opencv::core::CV_8U, 1.0 / 257.0, 0.0).map_err(VisionError::from)?;
            eight
        }
        _ => picture.try_clone().map_err(VisionError::from)?,
    };
    let conversion = match eight.channels() {
        1 => imgproc::COLOR_GRAY2RGB,
        4 => imgproc::COLOR_RGBA2RGB,
        _ => return Ok(eight),
    };
    let mut colours = Mat::default();
    imgproc::cvt_color_def(&eight, &mut colours, conversion).map_err(VisionError::from)?;
    Ok(colours)
}
