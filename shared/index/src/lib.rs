//! Finds the batches of an item: frame times, what decoding them reads, and where decoding can begin. Videos are demuxed,
//! not decoded, wherever their packets number the frames.
mod chain;
mod counted;
mod gaps;
mod grid;
mod images;
mod packets;
mod shortfall;
mod side_digests;
mod sizes;

use bytes::Bytes;
use framefleet_decode::video::deinterlace::Deinterlace;
use framefleet_decode::video::{measured_scan, timeline};
use framefleet_demux::Demuxer;
use framefleet_demux::timeline::Numbering;
use framefleet_frames::{
    BatchInfo, Content, IndexRequest, Item, ItemKind, Rational, ReadError, VideoFile, stamp, times,
};
use side_digests::SideDigests;

/// Raised when indexing tells more of an item, so that what was kept of it is found out again. What batches are is
/// ingest's version.
pub const FORM: u32 = 4;

/// Finds the batches of `item` in order: `batch_frames` frames each, the last one shorter, on the timeline that
/// `deinterlace` makes. `found` is called with the next few as reading goes on and answers whether to go on. Returns the
/// item with what reading it corrected (exact number of frames, measured scan, frame rate of the fields' timeline) and
/// with digests of all that it consists of, and why the rest of it cannot be read if it cannot.
///
/// A batch's digest is blake3 over the codec's parameters and the packets, in decoding order, from the last key frame at
/// or before its first frame to the last packet that one of its frames came from; so nothing before or after changes it.
/// With deinterlacing the two frames on either side count as the batch's. Where packets do not number frames (raw streams,
/// AVI with B-frames), it runs from the file's first packet to the last one that the decoder was given when it gave the
/// last of them. An image's digest is that of its file's bytes, which are not read when the item has it. Of a folder of stills that is
/// known, batches keep their digests whatever happens to their pictures, and the numbers of those that are gone are not used again: see
/// [`framefleet_folders::changes`].
pub fn index(
    item: &Item,
    request: IndexRequest,
    deinterlace: Deinterlace,
    found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
) -> Result<(Item, Option<String>), ReadError> {
    let batch_frames = request.batch_frames;
    if batch_frames == 0 {
        return Err(ReadError::Request {
            item: item.name.clone(),
            problem: "a batch must have at least one frame".to_owned(),
        });
    }
    let mut pictures = blake3::Hasher::new();
    let mut noted = |batches: Vec<BatchInfo>| {
        batches.iter().for_each(|batch| {
            pictures.update(&batch.digest);
        });
        found(batches)
    };
    let ((mut corrected, damage), (audio, metadata)) = match item.kind() {
        ItemKind::Video => video(item, batch_frames, deinterlace, &mut noted)?,
        _ => ((images::index(item, request, &mut noted), None), Default::default()),
    };
    let pictures = Bytes::copy_from_slice(pictures.finalize().as_bytes());
    corrected.content = Some(Content { pictures, audio, metadata });
    Ok((corrected, damage))
}

/// What indexing gives of a video, and the digests of its sound and of the rest of it.
type Video = ((Item, Option<String>), (Bytes, Bytes));

fn video(
    item: &Item,
    batch_frames: u64,
    deinterlace: Deinterlace,
    found: &mut dyn FnMut(Vec<BatchInfo>) -> bool,
) -> Result<Video, ReadError> {
    let file = VideoFile::of(item);
    let mut corrected = Item { stamp: stamp(file.path()), ..item.clone() };
    if deinterlace.wants_scan() {
        corrected.scan = measured_scan(file)?.to_owned();
    }
    let timeline = timeline(file)?;
    let method = deinterlace.method(&corrected.scan);
    let mut sink = grid::Grid::new(batch_frames, method, found);
    let demuxer = Demuxer::video_and_beside(file)?;
    let mut side = SideDigests::new(&demuxer, &timeline)?;
    let damage = match timeline.numbering {
        Numbering::Timestamps => packets::index(demuxer, timeline, &mut sink, &mut side)?,
        Numbering::Counted => counted::index(demuxer, timeline, &mut sink, &mut side)?,
    };
    let frames = sink.finish();
    corrected.estimated_frames = frames.made;
    let last_ns = match frames.last_frame_ns {
        0 if damage.is_none() => shortfall::rest_of_table(file, &timeline, frames.last_ns).unwrap_or(0),
        reported => reported,
    };
    (corrected.last_frame_ns, corrected.stepped) = (last_ns / frames.per_frame as i64, frames.stepped);
    corrected.time_base = corrected.time_base.map(|unit| times::fine_unit(unit, frames.closest_ns));
    let note = "its times start anew or repeat: they go on where they were";
    if frames.stepped && !corrected.notes.iter().any(|known| known == note) {
        corrected.notes.push(note.to_owned());
    }
    let note = frames.sizes.note(&corrected);
    corrected.notes.extend(note);
    if is_unusual(&corrected) {
        side.last_frame(corrected.last_frame_ns);
    }
    if let Some(rate) =
        corrected.frame_rate.as_mut().filter(|_| method.is_some_and(|method| method.fields_are_frames()))
    {
        *rate = Rational { num: rate.num * 2, den: rate.den };
    }
    Ok(((corrected, damage), side.finish()))
}

/// Whether the last frame is shown longer or shorter than one frame at the average rate, which films have when nothing else is known.
fn is_unusual(item: &Item) -> bool {
    let rate = item.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0);
    let frame_ns = rate.map_or(0, |rate| 1_000_000_000_i64.saturating_mul(rate.den) / rate.num);
    item.last_frame_ns > 0 && item.last_frame_ns.abs_diff(frame_ns) > 1_000_000
}
