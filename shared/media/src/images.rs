//! Items made of images: sequences, whose frames are alike, and stills, each of its own size and depth.
use crate::convert::Target;
use crate::decode::{Canvas, Slot};
use crate::frame::proxy_size;
use crate::index::{BATCHES_PER_CALL, IndexRequest};
use crate::numbering;
use crate::read_error::ReadError;
use crate::still::{self, Header};
use crate::{BatchInfo, FrameFailure, ImageFile, Item, ItemKind, PixelFormat, Rendition};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Finds the batches of images; see [`crate::index::index`]. Every batch can be decoded by itself. The frames of a sequence are its images as
/// they follow one another; stills keep the numbers that they are known by, so all of them are looked at first.
pub(crate) fn index(
    item: &Item,
    IndexRequest { batch_frames, known }: IndexRequest,
    found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
) -> Item {
    let files = item.files.iter().map(|file| digested(item, file));
    let mut batches: Box<dyn Iterator<Item = BatchInfo>> = match item.kind() {
        ItemKind::Stills if !known.is_empty() => {
            let known = known.into_iter().map(|batch| BatchInfo { pts_ns: vec![0; batch.pts_ns.len()], ..batch });
            Box::new(numbering::renumber(known.collect(), files.collect(), batch_frames).into_iter())
        }
        ItemKind::Stills => Box::new(numbering::number(0, batch_frames, files)),
        _ => Box::new(numbering::number(0, batch_frames, files).map(|batch| timed(item, batch))),
    };
    loop {
        let ready: Vec<BatchInfo> = batches.by_ref().take(BATCHES_PER_CALL).collect();
        if ready.is_empty() || !found(ready) {
            return item.clone();
        }
    }
}

/// A batch of a sequence, with the times of its frames.
fn timed(item: &Item, mut batch: BatchInfo) -> BatchInfo {
    (batch.start..).zip(&mut batch.pts_ns).for_each(|(frame, pts_ns)| *pts_ns = time(item, frame));
    batch
}

/// What the wanted pictures of stills will be, from their headers.
pub(crate) fn slots(
    item: &Item,
    batch: &BatchInfo,
    wanted: &[(Rendition, u64)],
) -> Result<(Vec<Slot>, Vec<FrameFailure>), ReadError> {
    let (mut slots, mut failures) = (Vec::new(), Vec::<FrameFailure>::new());
    for &(rendition, frame) in wanted {
        let pts_ns = crate::decode::pts(item, batch, frame)?;
        match file(item, frame).and_then(|path| still::header(&path)) {
            Ok(header) => {
                let Target { format, width, height } = target(&header, rendition);
                slots.push(Slot { frame, pts_ns, rendition, format, width, height });
            }
            Err(error) => failures.push(failure(frame, &error)),
        }
    }
    failures.sort_by_key(|failure| failure.frame);
    failures.dedup_by_key(|failure| failure.frame);
    Ok((slots, failures))
}

/// Decodes images; those that cannot be are failed.
pub(crate) fn decode(item: &Item, slots: &[Slot], canvas: &mut dyn Canvas) -> Result<Vec<FrameFailure>, ReadError> {
    let mut frames: Vec<u64> = slots.iter().map(|slot| slot.frame).collect();
    frames.sort_unstable();
    frames.dedup();
    let mut failures = Vec::new();
    for frame in frames {
        if let Err(error) = decode_one(item, frame, slots, canvas) {
            failures.push(failure(frame, &error));
        }
    }
    Ok(failures)
}

/// Decodes one image and writes its renditions.
fn decode_one(item: &Item, frame: u64, slots: &[Slot], canvas: &mut dyn Canvas) -> Result<(), ReadError> {
    let path = file(item, frame)?;
    let header = still::header(&path)?;
    if item.kind() == ItemKind::Sequence && (header.width, header.height) != (item.width, item.height) {
        let reason = format!("{}×{} in a sequence of {}×{}", header.width, header.height, item.width, item.height);
        return Err(ReadError::Still { path, reason });
    }
    let picture = still::picture(&path, &header)?;
    for (place, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.frame == frame) {
        let target = Target { format: slot.format, width: slot.width, height: slot.height };
        let expected = if item.kind() == ItemKind::Stills {
            target_size(&header, slot.rendition)
        } else {
            (slot.width, slot.height)
        };
        if expected != (slot.width, slot.height) {
            return Err(ReadError::Still { path, reason: "the file changed while it was read".to_owned() });
        }
        still::write(&picture, target, &path, canvas.memory(place))?;
    }
    Ok(())
}

/// What a still becomes.
fn target(header: &Header, rendition: Rendition) -> Target {
    let (width, height) = target_size(header, rendition);
    match rendition {
        Rendition::Proxy => Target { format: PixelFormat::Rgb8, width, height },
        _ => header.full(),
    }
}

fn target_size(header: &Header, rendition: Rendition) -> (u32, u32) {
    match rendition {
        Rendition::Proxy => proxy_size(header.width, header.height),
        _ => (header.width, header.height),
    }
}

/// Path of a frame's file.
fn file(item: &Item, frame: u64) -> Result<PathBuf, ReadError> {
    let file = crate::item::file(item, frame);
    file.map(|file| Path::new(&item.location).join(&file.name)).ok_or_else(|| ReadError::Request {
        item: item.name.clone(),
        problem: format!("there is no frame {frame}: no file is known for it"),
    })
}

/// Time of a frame of a sequence, by its frame rate.
fn time(item: &Item, frame: u64) -> i64 {
    let rate = item.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0);
    rate.map_or(0, |rate| {
        let ns = i128::from(frame) * 1_000_000_000 * i128::from(rate.den) / i128::from(rate.num);
        i64::try_from(ns).unwrap_or(i64::MAX)
    })
}

/// A file with the digest of its bytes, unless that is known. One that cannot be read counts as empty: its frame fails when it is decoded.
pub(crate) fn digested(item: &Item, file: &ImageFile) -> ImageFile {
    if !file.digest.is_empty() {
        return file.clone();
    }
    let mut hasher = blake3::Hasher::new();
    if let Ok(opened) = File::open(Path::new(&item.location).join(&file.name)) {
        // What was read before a failure is as good as anything to tell this state of the file by.
        let _ = hasher.update_reader(opened);
    }
    ImageFile { digest: hasher.finalize().as_bytes().to_vec().into(), ..file.clone() }
}

fn failure(frame: u64, error: &ReadError) -> FrameFailure {
    FrameFailure { frame, code: "decode".to_owned(), reason: error.to_string() }
}
