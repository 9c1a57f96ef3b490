//! COCO keypoints: one data set of all items, as pycocotools reads it; `annotations` by itself is also a list of results. It is what coco.json
//! has of the step's poses.
use crate::ExportError;
use crate::writer::{FrameRecord, Writer};
use framefleet_ledger::Manifest;
use framefleet_records::coco::{CocoFile, CocoFrame};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Name of the file.
const FILE: &str = "coco-keypoints.json";

/// The writer.
pub(crate) struct CocoKeypoints {
    path: PathBuf,
    file: BufWriter<File>,
    coco: CocoFile,
    step: String,
}

impl CocoKeypoints {
    /// Begins the file of a step's poses.
    pub fn create(folder: &Path, manifest: &Manifest) -> Result<Self, ExportError> {
        let path = folder.join(FILE);
        let mut file = BufWriter::new(File::create(&path).map_err(ExportError::write(&path))?);
        let coco = CocoFile::new(&["pose"], &[manifest], [])?;
        file.write_all(coco.begin().as_bytes()).map_err(ExportError::write(&path))?;
        Ok(Self { path, file, step: manifest.step.clone(), coco })
    }
}

impl Writer for CocoKeypoints {
    fn frame(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError> {
        if !record.has_result() {
            return Ok(());
        }
        let frame = CocoFrame { step: &self.step, item: &record.item.name, number: record.number, file: record.file };
        let text = self.coco.row(frame, &record.record)?;
        self.file.write_all(text.as_bytes()).map_err(ExportError::write(&self.path))
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let Self { path, mut file, coco, .. } = *self;
        for piece in coco.end()? {
            file.write_all(piece?.as_bytes()).map_err(ExportError::write(&path))?;
        }
        file.flush().map_err(ExportError::write(&path))?;
        Ok(vec![path])
    }
}
