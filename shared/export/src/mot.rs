//! MOTChallenge text: `<item>.txt`, a line for every box of a track, and `<item>/seqinfo.ini`; frames and ids from 1.
use crate::ExportError;
use crate::place::place;
use crate::writer::{FrameRecord, Writer};
use framefleet_frames::Item;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The writer.
pub(crate) struct Mot<'a> {
    folder: &'a Path,
    files: Vec<PathBuf>,
    open: Option<(PathBuf, BufWriter<File>)>,
    length: u64,
    /// That of the item's first image.
    extension: Option<String>,
}

/// The fields of a pose, or of any other kind, that the format has.
#[derive(Deserialize)]
struct Tracked {
    #[serde(rename = "box")]
    corners: Vec<f64>,
    #[serde(default)]
    score: f64,
    track: Option<u64>,
}

impl<'a> Mot<'a> {
    pub fn new(folder: &'a Path) -> Self {
        Self { folder, files: Vec::new(), open: None, length: 0, extension: None }
    }
}

impl Writer for Mot<'_> {
    fn begin(&mut self, item: &Item) -> Result<(), ExportError> {
        let path = place(self.folder, &item.name, ".txt")?;
        let file = File::create(&path).map_err(ExportError::write(&path))?;
        self.open = Some((path, BufWriter::new(file)));
        (self.length, self.extension) = (0, None);
        Ok(())
    }

    fn frame(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError> {
        let Some((path, file)) = &mut self.open else { return Ok(()) };
        self.length = record.number + 1;
        let extension = || Path::new(&record.file?.name).extension()?.to_str().map(str::to_owned);
        self.extension = self.extension.take().or_else(extension);
        for one in record.of::<Tracked>("pose")? {
            let (Some(track), &[x0, y0, x1, y1]) = (one.track, &one.corners[..]) else { continue };
            let (frame, id) = (record.number + 1, track + 1);
            writeln!(file, "{frame},{id},{x0:.2},{y0:.2},{:.2},{:.2},{:.4},-1,-1,-1", x1 - x0, y1 - y0, one.score)
                .map_err(ExportError::write(path))?;
        }
        Ok(())
    }

    fn end(&mut self, item: &Item) -> Result<(), ExportError> {
        if let Some((path, mut file)) = self.open.take() {
            file.flush().map_err(ExportError::write(&path))?;
            self.files.push(path);
        }
        let path = place(self.folder, &item.name, "/seqinfo.ini")?;
        std::fs::write(&path, sequence_info(item, self.length, self.extension.as_deref()))
            .map_err(ExportError::write(&path))?;
        self.files.push(path);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        Ok(self.files)
    }
}

/// What there is to know of a sequence, whose frames are all of the item's size.
fn sequence_info(item: &Item, length: u64, extension: Option<&str>) -> String {
    let rate = item.frame_rate.as_ref().filter(|rate| rate.num > 0 && rate.den > 0);
    let rate = rate.map_or(0.0, |rate| rate.num as f64 / rate.den as f64);
    format!(
        "[Sequence]\nname={}\nimDir=img1\nframeRate={rate}\nseqLength={length}\nimWidth={}\nimHeight={}\nimExt=.{}\n",
        item.name,
        item.width,
        item.height,
        extension.unwrap_or("jpg"),
    )
}
