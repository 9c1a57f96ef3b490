//! Footage decoded, encoded and joined again, as a job does it, and what the reference program says of the film.
use crate::film::{Film, decoders};
use framefleet_encode::{Encoder, Join, JoinSound, choose_container, format_of_piece, join};
use framefleet_formats::{Codec, VideoFormat};
use framefleet_frames::times::closest;
use framefleet_frames::{Image, Rendition, VideoFile};
use framefleet_testkit::{decode_rgb8, frame_times, onset, read_number};
use std::path::{Path, PathBuf};

/// A film that was made again.
pub struct Remade {
    pub path: PathBuf,
}

/// A frame of the film: the number that was stamped on it, if it can be read, and its time.
pub type Numbered = (Option<u64>, f64);

/// Decodes all frames of a film, encodes them in pieces of a batch, and joins these with everything else that the source has.
pub fn remake(film: &Film, folder: &Path) -> Remade {
    let codec = Codec::H264;
    let source = Path::new(&film.item.location);
    let container = choose_container(codec, Some(source), JoinSound::Copy);
    let decoders = decoders();
    let mut pieces = Vec::new();
    for batch in &film.batches {
        let (shown, _) = film.batch(&decoders, batch, Rendition::Full);
        let Some(first) = shown.first() else { continue };
        let size = (first.slot.width, first.slot.height, first.slot.format);
        let format = VideoFormat::new(codec, &film.item, size, None).for_times(closest(&batch.pts_ns));
        let piece = folder.join(format!("piece{}.nut", batch.start));
        let mut encoder = Encoder::create(&piece, &format).unwrap();
        let mut last = first;
        for (frame, pts_ns) in (batch.start..).zip(&batch.pts_ns) {
            last = shown.iter().find(|shown| shown.slot.frame == frame).unwrap_or(last);
            let image = Image::new(size.2, size.0, size.1, last.pixels.clone()).unwrap();
            encoder.push(&image, *pts_ns).unwrap();
        }
        encoder.finish().unwrap();
        pieces.push(piece);
    }
    let format = format_of_piece(&pieces[0], codec, &film.item).unwrap();
    let path = folder.join(format!("film.{}", container.extension()));
    let request = Join {
        pieces: &pieces,
        format: &format,
        container,
        source: Some(VideoFile::of(&film.item)),
        sound: JoinSound::Copy,
        start_ns: 0,
        end_ns: None,
        last_frame_ns: Some(film.item.last_frame_ns).filter(|&ns| ns > 0),
    };
    let joined = join(&request, &path).unwrap();
    assert_eq!(joined.frames, film.item.estimated_frames);
    Remade { path }
}

impl Remade {
    /// The film's frames.
    pub fn frames(&self) -> Vec<Numbered> {
        let pictures = decode_rgb8(&self.path).unwrap();
        let times = frame_times(&self.path).unwrap();
        assert_eq!(pictures.len(), times.len());
        let number = |picture: &framefleet_testkit::Picture| read_number(&picture.rgb, picture.width, picture.height);
        pictures.iter().map(number).zip(times).collect()
    }

    /// Seconds by which the sound is heard after the frame of this number is seen.
    pub fn sound_after(&self, frame: u64) -> f64 {
        let seen = self.frames().into_iter().find(|(number, _)| *number == Some(frame)).expect("the frame is there").1;
        onset(&self.path).unwrap().expect("there is sound") - seen
    }
}
