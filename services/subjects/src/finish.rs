//! The half of the stage that sees all frames: subjects over the frames of an item, and who they are over all items.
pub(crate) mod components;
pub(crate) mod join;
pub(crate) mod statistics;
pub(crate) mod tracks;
use crate::SubjectsSettings;
use crate::finish::join::{Found, Item, join};
use crate::finish::statistics::Statistics;
use crate::finish::tracks::{Track, Tracks};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Amendment, Annotation, FrameRange, ScopedAnnotation, Subject, SubjectTrack};
use framefleet_perception::by_item;
use framefleet_stage::{Job, Outputs, Record, Records, StageError};
use serde_json::{Map, Value as Json};

/// Joins the subjects of all items, one item at a time.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    settings: &SubjectsSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut statistics = Statistics::default();
    let names = tracks::names(job);
    let mut items = by_item(records, job);
    while let Some(mut results) = items.next_item()? {
        let name = results.item().name.as_str();
        let tracks = Tracks::of(job, name);
        let mut item = Item { found: Vec::new(), is_stills: results.is_stills(), tracks: &tracks };
        for frame in results.by_ref() {
            let record = frame?.record;
            let before = item.found.len();
            item.found.extend(found(&record, &tracks));
            statistics.add_frame(&item.found[before..]);
        }
        for (number, members) in (0..).zip(join(&item, settings)) {
            let found: Vec<&Found> = members.found.iter().map(|at| &item.found[*at]).collect();
            let track = SubjectTrack {
                name: members.identity.and_then(|identity| names.get(&identity)).cloned().unwrap_or_default(),
                ..track(number, members.identity, &members.tracks, &found)
            };
            statistics.add_subject(&track);
            publish(name, &found, track, out)?;
        }
    }
    if let Ok(Json::Object(statistics)) = serde_json::to_value(statistics) {
        out.statistics(&statistics);
    }
    Ok(())
}

/// The subjects that process found in a frame.
fn found<'a>(record: &'a Record, tracks: &'a Tracks) -> impl Iterator<Item = Found> + 'a {
    record.annotations.iter().filter_map(|annotation| match &annotation.value {
        Some(Value::Subject(subject)) => {
            let Subject { face, pose, mask, .. } = subject;
            Some(Found {
                frame: record.frame,
                instance: annotation.instance,
                face: *face,
                pose: *pose,
                mask: *mask,
                label: subject.label.clone(),
                tracks: tracks.of_parts(record.frame, *face, *pose, *mask),
            })
        }
        _ => None,
    })
}

fn track(subject: u32, identity: Option<u32>, tracks: &[Track], found: &[&Found]) -> SubjectTrack {
    let of = |pick: fn(&Track) -> Option<u32>| tracks.iter().filter_map(pick).collect();
    let masks: Vec<(u64, u32)> = found.iter().filter_map(|one| Some((one.frame, one.mask?))).collect();
    SubjectTrack {
        subject,
        label: found.iter().map(|one| &one.label).find(|label| !label.is_empty()).cloned().unwrap_or_default(),
        identity,
        name: String::new(),
        frames: found.iter().map(|one| one.frame).collect(),
        instances: found.iter().map(|one| one.instance).collect(),
        mask_frames: masks.iter().map(|(frame, _)| *frame).collect(),
        masks: masks.iter().map(|(_, instance)| *instance).collect(),
        face_tracks: of(|track| if let Track::Face(number) = track { Some(*number) } else { None }),
        person_tracks: of(|track| if let Track::Pose(number) = track { Some(*number) } else { None }),
        mask_tracks: of(|track| if let Track::Mask(number) = track { Some(*number) } else { None }),
    }
}

/// Writes a subject, and to its rows which one it is.
fn publish(item: &str, found: &[&Found], track: SubjectTrack, out: &mut Outputs) -> Result<(), StageError> {
    let mut fields = Map::from_iter([("subject".to_owned(), Json::from(track.subject))]);
    fields.extend(track.identity.map(|identity| ("identity".to_owned(), Json::from(identity))));
    if !track.name.is_empty() {
        fields.insert("name".to_owned(), Json::from(track.name.as_str()));
    }
    let json = serde_json::to_string(&fields).map_err(|error| StageError::Fatal(error.to_string()))?;
    for one in found {
        let (kind, json) = ("subject".to_owned(), json.clone());
        out.amend(Amendment { item: item.to_owned(), frame: one.frame, instance: one.instance, kind, json });
    }
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(()) };
    out.annotate_scope(ScopedAnnotation {
        item: item.to_owned(),
        range: Some(FrameRange { start: first.frame, end: last.frame + 1 }),
        annotation: Some(Annotation { instance: track.subject, value: Some(Value::SubjectTrack(track)) }),
    });
    Ok(())
}
