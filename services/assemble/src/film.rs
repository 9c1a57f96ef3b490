//! The finish half: pieces of every item to a film.
use crate::{AssembleSettings, names::film_names, piece::PIECE, stage_error};
use framefleet_encode::{Join, Joined, choose_container, format_of_piece, join};
use framefleet_formats::{Codec, Container, VideoFormat};
use framefleet_frames::{Item, ItemKind, Outcome, VideoFile};
use framefleet_stage::{Job, Outputs, Records, RecordsError, StageError, codes};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the records say of one item's frames.
#[derive(Clone, Debug, Default)]
struct Extent {
    /// Number and time of the first and of the last frame.
    first: Option<(u64, i64)>,
    last: Option<(u64, i64)>,
    /// Frames that were not there, for which the film shows another again.
    held: u64,
}

/// An item to be joined.
struct Film<'a> {
    item: &'a Item,
    codec: Codec,
    container: Container,
    pieces: Vec<PathBuf>,
}

/// Joins the pieces of every item to an artifact that mirrors the source tree, and says in the statistics how many frames
/// each film has, for how many the frame before was shown again, and what of the source it does not have.
/// Memory: names of pieces and counts per item.
pub(crate) fn join_all(
    settings: &AssembleSettings,
    job: &Job,
    records: &dyn Records,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let films = films(settings, job, records)?;
    let extents = extents(records)?;
    let names = film_names(&films.iter().map(|film| (film.item, film.container)).collect::<Vec<_>>());
    let mut statistics = Map::new();
    for (film, name) in films.iter().zip(names) {
        let extent = extents.get(&film.item.name).cloned().unwrap_or_default();
        let path = out.artifact(&name).map_err(StageError::retry)?.path().to_owned();
        match join_film(settings, job, film, &extent, &path) {
            Ok(joined) => {
                if joined.lacks_sound {
                    let lost = joined.left_out.join("; ");
                    let reason = format!("its sound could not come along, so the film is silent: {lost}");
                    out.fail_item(&film.item.name, codes::SOUND, reason);
                }
                statistics.insert(film.item.name.clone(), describe(&name, &extent, &joined));
            }
            // One film that cannot be joined is no reason to have none.
            Err(StageError::BadInput(reason)) => {
                out.drop_artifact();
                out.fail_item(&film.item.name, codes::BAD_INPUT, reason);
            }
            Err(error) => return Err(error),
        }
    }
    if !statistics.is_empty() {
        out.statistics(&Map::from_iter([("films".to_owned(), Value::Object(statistics))]));
    }
    Ok(())
}

/// The items that have pieces, in the job's order. Pieces come in frame order.
fn films<'a>(settings: &AssembleSettings, job: &'a Job, records: &dyn Records) -> Result<Vec<Film<'a>>, StageError> {
    let mut pieces: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (item, _, path) in records.attachments(PIECE).map_err(read_error)? {
        pieces.entry(item).or_default().push(path);
    }
    let film = |item: &'a Item| {
        let codec = settings.encoding.codec(item, &job.makers)?;
        let pieces = pieces.remove(&item.name)?;
        Some(Film {
            item,
            codec,
            container: choose_container(codec, source(item).map(VideoFile::path), settings.audio.into()),
            pieces,
        })
    };
    Ok(job.items.iter().filter_map(film).collect())
}

fn extents(records: &dyn Records) -> Result<BTreeMap<String, Extent>, StageError> {
    let mut extents: BTreeMap<String, Extent> = BTreeMap::new();
    for record in records.read() {
        let record = record.map_err(read_error)?;
        let extent = extents.entry(record.item).or_default();
        extent.first.get_or_insert((record.frame, record.pts_ns));
        extent.last = Some((record.frame, record.pts_ns));
        extent.held += u64::from(record.outcome != Outcome::Result);
    }
    Ok(extents)
}

fn join_film(
    settings: &AssembleSettings,
    job: &Job,
    film: &Film<'_>,
    extent: &Extent,
    path: &Path,
) -> Result<Joined, StageError> {
    let Some(first) = film.pieces.first() else { return Ok(Joined::default()) };
    let format = format_of_piece(first, film.codec, film.item).map_err(stage_error)?;
    let format = format.made(job.colour(film.item), job.bit_depth(film.item));
    let (start_ns, end_ns) = range(film.item, extent, &format);
    let request = Join {
        pieces: &film.pieces,
        format: &format,
        container: film.container,
        source: source(film.item),
        sound: settings.audio.into(),
        start_ns,
        end_ns,
        last_frame_ns: Some(film.item.last_frame_ns).filter(|&last| last > 0 && end_ns.is_none()),
    };
    join(&request, path).map_err(stage_error)
}

/// Where the job cut the item, nanoseconds from its first frame: nothing is cut off the sound where it did not.
fn range(item: &Item, extent: &Extent, format: &VideoFormat) -> (i64, Option<i64>) {
    let start = extent.first.filter(|(frame, _)| *frame > 0).map_or(0, |(_, pts_ns)| pts_ns);
    let frame_ns = 1_000_000_000 * format.frame_rate.den / format.frame_rate.num.max(1);
    let end = extent.last.filter(|(frame, _)| frame + 1 < item.estimated_frames).map(|(_, pts_ns)| pts_ns + frame_ns);
    (start, end)
}

/// The file that sound comes from.
fn source(item: &Item) -> Option<VideoFile<'_>> {
    (item.kind() == ItemKind::Video).then(|| VideoFile::of(item))
}

fn describe(name: &str, extent: &Extent, joined: &Joined) -> Value {
    json!({ "artifact": name, "frames": joined.frames, "held_frames": extent.held, "left_out": joined.left_out })
}

fn read_error(error: RecordsError) -> StageError {
    StageError::retry(error)
}
