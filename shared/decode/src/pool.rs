//! Decoders kept open between batches: a cache that changes no answer.
use super::open::Open;
use super::{Canvas, Slot, batch, images, pts};
use crate::video::deinterlace::Deinterlace;
use crate::video::{measured_scan, timeline};
use framefleet_demux::timeline::Timeline;
use framefleet_frames::{BatchInfo, FrameFailure, Item, ItemKind, ReadError, Rendition, VideoFile};
use framefleet_stills::Target;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

/// Videos whose timelines are remembered.
const REMEMBERED: usize = 4096;

/// Decodes batches of any items, from any number of threads; keeps decoders open where the last batch ended, so that
/// consecutive batches go on without seeking.
pub struct Decoders {
    deinterlace: Deinterlace,
    limit: usize,
    idle: Mutex<Vec<Idle>>,
    known: Mutex<HashMap<FileState, Known>>,
}

/// A video as it was when something was learned about it: a file that changes is another, and so is another stream of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct FileState {
    path: String,
    stream: Option<u32>,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// What was learned about a video.
#[derive(Clone)]
struct Known {
    timeline: Timeline,
    scan: Option<String>,
}

/// A decoder that waits for the next batch.
struct Idle {
    file: FileState,
    open: Open,
}

impl Decoders {
    /// Decoders for a treatment of interlaced video; at most `limit` stay open while idle.
    pub fn new(deinterlace: Deinterlace, limit: usize) -> Self {
        Self { deinterlace, limit, idle: Mutex::default(), known: Mutex::default() }
    }

    /// What the wanted frames of a batch (numbers in the whole item, ascending) will be: proxies first, then full frames.
    /// Frames that cannot even be announced (an image without a readable header) are in the second list.
    pub fn slots(
        &self,
        item: &Item,
        batch: &BatchInfo,
        proxy: &[u64],
        full: &[u64],
    ) -> Result<(Vec<Slot>, Vec<FrameFailure>), ReadError> {
        let wanted = || {
            let with = |rendition: Rendition, frames: &'_ [u64]| {
                frames.iter().map(|&frame| (rendition, frame)).collect::<Vec<_>>()
            };
            [with(Rendition::Proxy, proxy), with(Rendition::Full, full)].concat()
        };
        if item.kind() == ItemKind::Stills {
            return images::slots(item, batch, &wanted());
        }
        let slot = |(rendition, frame): (Rendition, u64)| {
            let Target { format, width, height } = Target::of(item, rendition);
            Ok(Slot { frame, pts_ns: pts(item, batch, frame)?, rendition, format, width, height })
        };
        Ok((wanted().into_iter().map(slot).collect::<Result<_, ReadError>>()?, Vec::new()))
    }

    /// Decodes the pictures of `slots` (of one batch, as [`slots`](Self::slots) made them) into `canvas`. Returns the
    /// frames that could not be decoded, ascending; what their memory holds then is undefined.
    pub fn decode(
        &self,
        item: &Item,
        batch: &BatchInfo,
        slots: &[Slot],
        canvas: &mut dyn Canvas,
    ) -> Result<Vec<FrameFailure>, ReadError> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        if item.kind() != ItemKind::Video {
            return images::decode(item, slots, canvas);
        }
        let file = FileState::of(item)?;
        let known = self.known(item, &file)?;
        let request = batch::Request {
            item,
            batch,
            slots,
            timeline: known.timeline,
            method: self.deinterlace.method(known.scan.as_deref().unwrap_or_default()),
        };
        let idle = self.take(&file, &request);
        let (open, failures) = batch::decode(&request, idle, canvas)?;
        self.keep(Idle { file, open });
        Ok(failures)
    }

    /// What is to be known of a video before its frames can be numbered; learned once per file.
    fn known(&self, item: &Item, file: &FileState) -> Result<Known, ReadError> {
        if let Some(known) = self.known.lock().get(file) {
            return Ok(known.clone());
        }
        let video = VideoFile::of(item);
        let scan = match (self.deinterlace.wants_scan(), item.scan.as_str()) {
            (false, _) => None,
            (true, "") => Some(measured_scan(video)?.to_owned()),
            (true, scan) => Some(scan.to_owned()),
        };
        let learned = Known { timeline: timeline(video)?, scan };
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(file.clone(), learned.clone());
        Ok(learned)
    }

    /// The idle decoder that reaches the first source frame soonest by going on.
    fn take(&self, file: &FileState, request: &batch::Request<'_>) -> Option<Open> {
        let (reach, mut idle) = (request.reach(), self.idle.lock());
        let usable =
            |entry: &Idle| entry.file == *file && reach.contains(&entry.open.next) && request.can_use(&entry.open);
        let best = (0..idle.len()).filter(|&place| usable(&idle[place])).max_by_key(|&place| idle[place].open.next)?;
        Some(idle.remove(best).open)
    }

    /// Keeps a decoder; the one that has waited longest goes.
    fn keep(&self, entry: Idle) {
        let mut idle = self.idle.lock();
        idle.push(entry);
        let surplus = idle.len().saturating_sub(self.limit);
        let gone: Vec<Idle> = idle.drain(..surplus).collect();
        // Closing decoders takes a while; nobody should wait for it.
        drop(idle);
        drop(gone);
    }
}

impl FileState {
    /// The file as it is now.
    fn of(item: &Item) -> Result<Self, ReadError> {
        let path = Path::new(&item.location);
        let metadata = std::fs::metadata(path).map_err(|source| ReadError::io(path, source))?;
        let path = path.to_str().ok_or_else(|| ReadError::Name(path.to_owned()))?.to_owned();
        Ok(Self { path, stream: item.video_stream, bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}
