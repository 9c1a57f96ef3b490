//! MOTChallenge: for every film `<item>/gt/gt.txt`, `gt/labels.txt` as CVAT reads them, and `seqinfo.ini`; pictures in `img1/` when asked for.
//! Frames, ids, classes and pixels count from 1. Stills have no tracks, and are no sequence.
use super::images::{Images, save};
use super::overview::Overview;
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use crate::place::place;
use framefleet_frames::{Item, ItemKind};
use framefleet_objects::Object;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The writer.
pub(super) struct Mot<'a> {
    folder: &'a Path,
    labels: Vec<String>,
    images: Option<Images<'a>>,
    open: Option<(PathBuf, BufWriter<File>)>,
    length: u64,
    written: Written,
}

impl<'a> Mot<'a> {
    pub fn new(folder: &'a Path, overview: Overview, images: Option<Images<'a>>) -> Self {
        Self { folder, labels: overview.labels, images, open: None, length: 0, written: Written::default() }
    }

    /// The line of an object; `None` without a track.
    fn line(&self, frame: u64, object: &Object) -> Option<String> {
        let class = self.labels.iter().position(|label| *label == object.label)? + 1;
        let [x0, y0, x1, y1] = object.corners;
        let (id, x, y) = (object.track? + 1, x0 + 1.0, y0 + 1.0);
        Some(format!("{},{id},{x:.2},{y:.2},{:.2},{:.2},1,{class},1", frame + 1, x1 - x0, y1 - y0))
    }
}

impl Dataset for Mot<'_> {
    fn begin(&mut self, item: &Item) -> Result<(), ExportError> {
        if item.kind() == ItemKind::Stills {
            return Ok(());
        }
        let path = place(self.folder, &item.name, "/gt/gt.txt")?;
        let file = File::create(&path).map_err(ExportError::write(&path))?;
        self.open = Some((path, BufWriter::new(file)));
        self.length = 0;
        Ok(())
    }

    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let frame = sample.frame;
        let lines: Vec<Option<String>> = frame.objects.iter().map(|object| self.line(frame.number, object)).collect();
        let Some((path, file)) = &mut self.open else {
            self.written.left_out += frame.objects.len() as u64;
            return Ok(());
        };
        self.length = frame.number + 1;
        for line in &lines {
            match line {
                Some(line) => {
                    writeln!(file, "{line}").map_err(ExportError::write(path))?;
                    self.written.objects += 1;
                }
                None => self.written.left_out += 1,
            }
        }
        if let Some(images) = &mut self.images {
            let base = place(self.folder, &frame.item.name, &format!("/img1/{:06}", frame.number + 1))?;
            self.written.files.push(images.write(frame, &base)?);
        }
        Ok(())
    }

    fn end(&mut self, item: &Item) -> Result<(), ExportError> {
        let Some((path, mut file)) = self.open.take() else { return Ok(()) };
        file.flush().map_err(ExportError::write(&path))?;
        let labels = path.with_file_name("labels.txt");
        save(&labels, self.labels.iter().map(|label| format!("{label}\n")).collect::<String>().as_bytes())?;
        let info = place(self.folder, &item.name, "/seqinfo.ini")?;
        save(&info, sequence_info(item, self.length.max(item.estimated_frames)).as_bytes())?;
        self.written.files.extend([path, labels, info]);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written, ExportError> {
        Ok(self.written)
    }
}

/// What there is to know of a sequence, whose frames are all of the item's size. Readers take the rate for a whole number.
fn sequence_info(item: &Item, length: u64) -> String {
    let rate = item.frame_rate.as_ref().filter(|rate| rate.num > 0 && rate.den > 0);
    let rate = rate.map_or(25.0, |rate| (rate.num as f64 / rate.den as f64).round().max(1.0));
    format!(
        "[Sequence]\nname={}\nimDir=img1\nframeRate={rate}\nseqLength={length}\nimWidth={}\nimHeight={}\nimExt=.jpg\n",
        item.name, item.width, item.height,
    )
}
