//! The footage with what was found drawn into it: a film for every video, with its sound; a picture for every image.
mod canvas;
mod face;
mod mask;
mod person;
mod subject;

use crate::ExportError;
use crate::place::place;
use crate::writer::{FrameRecord, Writer};
use canvas::Canvas;
use framefleet_encode::{Encoder, Join, JoinSound, PIECE_EXTENSION, StillOptions, join, write_still};
use framefleet_formats::{Codec, Container, StillFormat, VideoFormat};
use framefleet_frames::{Image, Item, ItemKind, Pictures, VideoFile, item};
use std::path::{Path, PathBuf};

/// The writer.
pub(crate) struct Overlay<'a> {
    folder: &'a Path,
    pictures: &'a mut dyn Pictures,
    film: Option<Film>,
    files: Vec<PathBuf>,
}

/// A video in the making: frames are encoded to a piece, which is joined with the source's sound at the end.
struct Film {
    format: VideoFormat,
    encoder: Encoder,
    piece: PathBuf,
    /// Times of the first and of the latest frame.
    start_ns: i64,
    last_ns: i64,
}

impl<'a> Overlay<'a> {
    pub fn new(folder: &'a Path, pictures: &'a mut dyn Pictures) -> Self {
        Self { folder, pictures, film: None, files: Vec::new() }
    }

    fn write_picture(&mut self, record: &FrameRecord<'_>, image: &Image) -> Result<(), ExportError> {
        let path = place(self.folder, &record.path("*.png"), "")?;
        write_still(&path, image, StillFormat::Png, &StillOptions::default())?;
        self.files.push(path);
        Ok(())
    }

    fn push(&mut self, record: &FrameRecord<'_>, image: &Image) -> Result<(), ExportError> {
        let film = match &mut self.film {
            Some(film) => film,
            None => self.film.insert(Film::begin(self.folder, record, image)?),
        };
        film.encoder.push(image, record.pts_ns)?;
        film.last_ns = record.pts_ns;
        Ok(())
    }
}

impl Film {
    fn begin(folder: &Path, record: &FrameRecord<'_>, image: &Image) -> Result<Self, ExportError> {
        let size = (image.width(), image.height(), image.format());
        let format = VideoFormat::new(Codec::H264, record.item, size, None);
        let piece = place(folder, &record.item.name, &format!(".{PIECE_EXTENSION}"))?;
        let encoder = Encoder::create(&piece, &format)?;
        Ok(Self { format, encoder, piece, start_ns: record.pts_ns, last_ns: record.pts_ns })
    }

    /// Joins the film; where it lies.
    fn complete(self, folder: &Path, item: &Item) -> Result<PathBuf, ExportError> {
        let Self { format, encoder, piece, start_ns, last_ns } = self;
        encoder.finish()?;
        let path = place(folder, &item.name, ".overlay.mp4")?;
        let rate = &format.frame_rate;
        let frame_ns = 1_000_000_000 * rate.den / rate.num.max(1);
        join(
            &Join {
                pieces: std::slice::from_ref(&piece),
                format: &format,
                container: Container::Mp4,
                source: (item.kind() == ItemKind::Video).then(|| VideoFile::of(item)),
                sound: JoinSound::Encode,
                start_ns,
                end_ns: Some(last_ns + frame_ns),
                last_frame_ns: None,
            },
            &path,
        )?;
        std::fs::remove_file(&piece).map_err(ExportError::write(&piece))?;
        Ok(path)
    }
}

impl Writer for Overlay<'_> {
    fn frame(&mut self, record: &FrameRecord<'_>) -> Result<(), ExportError> {
        let problem = |reason| ExportError::Picture { item: record.item.name.clone(), frame: record.number, reason };
        let Some(frame) = self.pictures.picture(record.item, record.number).map_err(problem)? else { return Ok(()) };
        let mut canvas = Canvas::of(&frame.image, item::size_of(record.item, record.file))?;
        mask::draw(record, &mut canvas)?;
        person::draw(record, &mut canvas)?;
        face::draw(record, &mut canvas)?;
        subject::draw(record, &mut canvas)?;
        let image = canvas.into_image()?;
        match record.item.kind() {
            ItemKind::Stills => self.write_picture(record, &image),
            _ => self.push(record, &image),
        }
    }

    fn end(&mut self, item: &Item) -> Result<(), ExportError> {
        if let Some(film) = self.film.take() {
            self.files.push(film.complete(self.folder, item)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        Ok(self.files)
    }
}
