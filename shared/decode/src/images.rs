//! Decodes images: of sequences, whose frames are alike, and stills, each of its own size and depth.
use super::{Canvas, Slot, pts};
use framefleet_frames::frame::proxy_size;
use framefleet_frames::{BatchInfo, FrameFailure, ImageFile, Item, ItemKind, PixelFormat, ReadError, Rendition};
use framefleet_stills::{self as still, Header, Place, Target};
use image::DynamicImage;
use std::path::{Path, PathBuf};

/// What the wanted pictures of stills will be, from their headers.
pub(crate) fn slots(
    item: &Item,
    batch: &BatchInfo,
    wanted: &[(Rendition, u64)],
) -> Result<(Vec<Slot>, Vec<FrameFailure>), ReadError> {
    let (mut slots, mut failures) = (Vec::new(), Vec::<FrameFailure>::new());
    for &(rendition, frame) in wanted {
        let pts_ns = pts(item, batch, frame)?;
        match file(item, frame).and_then(|(file, path)| still::header(Place::of(file, &path))) {
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
    let mut source = Source::default();
    let mut failures = Vec::new();
    for frame in frames {
        if let Err(error) = decode_one(item, frame, &mut source, slots, canvas) {
            failures.push(failure(frame, &error));
        }
    }
    Ok(failures)
}

/// Where pictures come from. Frames of an animation are made of those before them, so that they are decoded in their order.
#[derive(Default)]
struct Source {
    animation: Option<Animation>,
}

struct Animation {
    path: PathBuf,
    frames: Box<dyn Iterator<Item = Result<DynamicImage, ReadError>>>,
    /// Page that comes next, from 1.
    next: u32,
}

impl Source {
    /// The picture of a file; pages of an animation are asked for in ascending order.
    fn picture(
        &mut self,
        item: &Item,
        file: &ImageFile,
        path: &Path,
        header: &Header,
    ) -> Result<DynamicImage, ReadError> {
        if item.kind() != ItemKind::Sequence || file.page == 0 {
            return still::picture(Place::of(file, path), header);
        }
        let usable = |animation: &Animation| animation.path == path && animation.next <= file.page;
        let mut animation = match self.animation.take().filter(usable) {
            Some(animation) => animation,
            None => Animation { path: path.to_owned(), frames: Box::new(still::animation(path)?), next: 1 },
        };
        let skipped = (file.page - animation.next) as usize;
        let picture = animation.frames.nth(skipped).unwrap_or_else(|| Err(still::changed(path)))?;
        animation.next = file.page + 1;
        self.animation = Some(animation);
        Ok(picture)
    }
}

/// Decodes one image and writes its renditions.
fn decode_one(
    item: &Item,
    frame: u64,
    source: &mut Source,
    slots: &[Slot],
    canvas: &mut dyn Canvas,
) -> Result<(), ReadError> {
    let (file, path) = file(item, frame)?;
    if item.kind() == ItemKind::Sequence && !path.exists() {
        return Err(ReadError::Missing);
    }
    let header = still::header(Place::of(file, &path))?;
    if item.kind() == ItemKind::Sequence && (header.width, header.height) != (item.width, item.height) {
        let reason = format!("{}×{} in a sequence of {}×{}", header.width, header.height, item.width, item.height);
        return Err(ReadError::Still { path, reason });
    }
    let picture = source.picture(item, file, &path, &header)?;
    for (place, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.frame == frame) {
        let target = Target { format: slot.format, width: slot.width, height: slot.height };
        let expected = if item.kind() == ItemKind::Stills {
            target_size(&header, slot.rendition)
        } else {
            (slot.width, slot.height)
        };
        if expected != (slot.width, slot.height) {
            return Err(still::changed(&path));
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

/// A frame's file, and its path.
fn file(item: &Item, frame: u64) -> Result<(&ImageFile, PathBuf), ReadError> {
    let file = framefleet_frames::item::file(item, frame);
    file.map(|file| (file, Path::new(&item.location).join(&file.name))).ok_or_else(|| ReadError::Request {
        item: item.name.clone(),
        problem: format!("there is no frame {frame}: no file is known for it"),
    })
}

fn failure(frame: u64, error: &ReadError) -> FrameFailure {
    FrameFailure { frame, code: "decode".to_owned(), reason: error.to_string() }
}
