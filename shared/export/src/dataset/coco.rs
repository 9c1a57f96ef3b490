//! COCO: instances and person keypoints in one file, as coco.json in an output; with pictures, `images/` has them. Importers know tasks by
//! names of files, so it has two.
use super::images::{Images, save};
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use framefleet_coco::{CocoFile, Piece};
use framefleet_frames::Item;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The file.
const FILE: &str = "annotations/instances_default.json";
/// Its other name.
const KEYPOINTS: &str = "annotations/person_keypoints_default.json";
/// The folder of pictures.
const IMAGES: &str = "images";

/// The writer.
pub(super) struct Coco<'a> {
    folder: &'a Path,
    path: PathBuf,
    file: BufWriter<File>,
    coco: CocoFile,
    images: Option<Images<'a>>,
    written: Written,
}

impl<'a> Coco<'a> {
    /// Begins the file.
    pub fn create(
        folder: &'a Path,
        items: &[&Item],
        steps: &[String],
        images: Option<Images<'a>>,
    ) -> Result<Self, ExportError> {
        let path = folder.join(FILE);
        // A file of two names would be written in both.
        remove(&folder.join(KEYPOINTS))?;
        save(&path, &[])?;
        let mut file = BufWriter::new(File::create(&path).map_err(ExportError::write(&path))?);
        let coco = CocoFile::new(items, steps, [])?.with_pictures_in(IMAGES);
        file.write_all(coco.begin().as_bytes()).map_err(ExportError::write(&path))?;
        Ok(Self { folder, path, file, coco, images, written: Written::default() })
    }
}

impl Dataset for Coco<'_> {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let mut picture = None;
        if let Some(images) = &mut self.images {
            self.written.files.push(images.write(sample.frame, &self.folder.join(IMAGES).join(sample.name))?);
            picture = Some(format!("{}{}", sample.name, images.extension()));
        }
        self.written.objects += sample.frame.objects.len() as u64;
        let text = self.coco.frame(sample.frame, picture)?;
        self.file.write_all(text.as_bytes()).map_err(ExportError::write(&self.path))
    }

    fn finish(self: Box<Self>) -> Result<Written, ExportError> {
        let Self { folder, path, mut file, coco, mut written, .. } = *self;
        for piece in coco.end()? {
            let (Piece::Text(text) | Piece::Root(text)) = piece?;
            file.write_all(text.as_bytes()).map_err(ExportError::write(&path))?;
        }
        file.flush().map_err(ExportError::write(&path))?;
        let keypoints = folder.join(KEYPOINTS);
        // File systems without links have it twice.
        let linked = std::fs::hard_link(&path, &keypoints).or_else(|_| std::fs::copy(&path, &keypoints).map(drop));
        linked.map_err(ExportError::write(&keypoints))?;
        written.files.extend([path, keypoints]);
        Ok(written)
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), ExportError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ExportError::write(path)(error)),
        _ => Ok(()),
    }
}
