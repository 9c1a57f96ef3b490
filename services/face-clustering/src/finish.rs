//! The half of the stage that sees all faces: tracks, identities, and what is published of them.
use crate::face::crops::{self, cosine};
use crate::identities::{Identified, identify};
use crate::settings::FaceClusteringSettings;
use crate::summary::{self, Summary};
use crate::tracks::{self, Track};
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Amendment, Annotation, EditTarget, Face, FaceTrack, FrameRange, Identity, InstanceRef, Kind, ScopedAnnotation,
};
use framefleet_perception::{FrameResult, by_item};
use framefleet_stage::{Job, Outputs, Record, Records, StageError};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;

/// A face: index of its item, frame, instance.
type Place = (usize, u64, u32);

/// All faces of the job, followed.
struct Followed {
    items: BTreeMap<String, usize>,
    tracks: Vec<Track>,
    /// The track of every face, and its place there.
    of_face: HashMap<Place, (usize, usize)>,
    summary: Summary,
}

/// Tracks faces, identifies persons, and publishes both.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    settings: &FaceClusteringSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut followed = follow(job, records, settings)?;
    let identified = {
        let track_of = |face: &EditTarget| {
            let item = *followed.items.get(&face.item)?;
            followed.of_face.get(&(item, face.frame, face.instance)).map(|(track, _)| *track)
        };
        identify(&followed.tracks, &job.edits, track_of, settings)
    };
    let silhouettes = summary::silhouettes(&followed.tracks, &identified);
    followed.summary.add(&followed.tracks, &identified, &silhouettes);
    publish_tracks(job, &followed.tracks, &identified, out);
    let medoids = medoids(records, &followed, &identified)?;
    let crops = write_crops(records, &followed, &identified, settings, out)?;
    for (number, person) in identified.persons.iter().enumerate() {
        let of = |index: &usize| &followed.tracks[*index];
        let similarity: Vec<f32> =
            person.tracks.iter().map(of).map(|track| cosine(&track.vector, &person.mean)).collect();
        let own: Vec<f32> = person.tracks.iter().filter_map(|&track| silhouettes[track]).collect();
        let mut items: Vec<usize> = person.tracks.iter().map(|index| of(index).item).collect();
        items.dedup();
        let identity = Identity {
            number: number as u32,
            name: person.name.clone().unwrap_or_default(),
            faces: person.tracks.iter().map(|index| of(index).faces.len() as u64).sum(),
            tracks: person.tracks.len() as u32,
            items: items.into_iter().filter_map(|item| job.items.get(item)).map(|item| item.name.clone()).collect(),
            medoid: medoids.get(&number).map(|place| face_ref(job, *place)),
            cohesion: summary::mean(&similarity).unwrap_or_default(),
            silhouette: summary::mean(&own),
            crops: crops.get(&number).cloned().unwrap_or_default(),
        };
        out.annotate_scope(scoped("", None, number as u32, Value::Identity(identity)));
    }
    if let Ok(Json::Object(statistics)) = serde_json::to_value(&followed.summary) {
        out.statistics(&statistics);
    }
    Ok(())
}

/// The faces of a record, in order of instance.
fn faces(record: Record) -> impl Iterator<Item = (u32, Face)> {
    record.annotations.into_iter().filter_map(|annotation| match annotation.value {
        Some(Value::Face(face)) => Some((annotation.instance, face)),
        _ => None,
    })
}

/// Follows the faces of all items.
fn follow(job: &Job, records: &dyn Records, settings: &FaceClusteringSettings) -> Result<Followed, StageError> {
    let items: BTreeMap<String, usize> =
        job.items.iter().enumerate().map(|(index, item)| (item.name.clone(), index)).collect();
    let (mut summary, mut tracks) = (Summary::default(), Vec::new());
    let mut by_item = by_item(records, job);
    while let Some(mut results) = by_item.next_item()? {
        let Some(&item) = items.get(&results.item().name) else { continue };
        let (before, mut of_item) = (summary.frames, tracks::tracks(settings));
        for frame in results.by_ref() {
            let FrameResult { record, cut } = frame?;
            if cut {
                of_item.cut();
            }
            let (frame, pts_ns) = (record.frame, record.pts_ns);
            let found: Vec<(u32, Face)> = faces(record).collect();
            summary.frames += 1;
            summary.faces += found.len() as u64;
            summary.frames_without_faces += u64::from(found.is_empty());
            of_item.frame(frame, pts_ns, found);
        }
        summary.items += u64::from(summary.frames > before);
        tracks.extend((0..).zip(of_item.finish(1)).map(|(number, track)| Track::of(item, number, track)));
    }
    let places = tracks.iter().enumerate().flat_map(|(index, track)| {
        let faces = track.faces.iter().enumerate();
        faces.map(move |(at, face)| ((track.item, face.frame, face.instance), (index, at)))
    });
    let of_face = places.collect();
    Ok(Followed { items, tracks, of_face, summary })
}

/// Writes tracks, and what each face belongs to.
fn publish_tracks(job: &Job, tracks: &[Track], identified: &Identified, out: &mut Outputs) {
    let face = Kind::new("face");
    for (track, person) in tracks.iter().zip(&identified.of_track) {
        let Some(item) = job.items.get(track.item).map(|item| item.name.clone()) else { continue };
        let (Some(first), Some(last)) = (track.faces.first(), track.faces.last()) else { continue };
        let identity = person.map(|(number, _)| number as u32);
        let probability = person.map(|(_, probability)| probability);
        for at in &track.faces {
            let mut fields = json!({ "track": track.number });
            if let (Some(identity), Some(probability)) = (identity, probability) {
                fields["identity"] = identity.into();
                fields["probability"] = short(probability);
            }
            out.amend(Amendment {
                item: item.clone(),
                frame: at.frame,
                instance: at.instance,
                kind: face.as_str().to_owned(),
                json: fields.to_string(),
            });
        }
        let best = track.best().map(|best| face_ref(job, (track.item, best.frame, best.instance)));
        let found = FaceTrack {
            number: track.number,
            identity,
            probability,
            frames: track.faces.iter().map(|at| at.frame).collect(),
            instances: track.faces.iter().map(|at| at.instance).collect(),
            quality: track.quality(),
            best,
        };
        let range = FrameRange { start: first.frame, end: last.frame + 1 };
        out.annotate_scope(scoped(&item, Some(range), track.number, Value::FaceTrack(found)));
    }
}

/// A number with the digits that an `f32` has.
fn short(value: f32) -> Json {
    serde_json::from_str(&value.to_string()).unwrap_or(Json::Null)
}

/// The face of every person that is most like their mean; of equal ones the first.
fn medoids(
    records: &dyn Records,
    followed: &Followed,
    identified: &Identified,
) -> Result<BTreeMap<usize, Place>, StageError> {
    let mut best: BTreeMap<usize, (f32, Place)> = BTreeMap::new();
    for record in records.read() {
        let record = record.map_err(StageError::retry)?;
        let Some(&item) = followed.items.get(&record.item) else { continue };
        let frame = record.frame;
        for (instance, face) in faces(record) {
            let place = (item, frame, instance);
            let person = followed.of_face.get(&place).and_then(|(track, _)| identified.of_track[*track]);
            let Some((number, _)) = person.filter(|_| !face.embedding.is_empty()) else { continue };
            let similarity = cosine(&face.embedding, &identified.persons[number].mean);
            if best.get(&number).is_none_or(|(max, _)| similarity > *max) {
                best.insert(number, (similarity, place));
            }
        }
    }
    Ok(best.into_iter().map(|(number, (_, place))| (number, place)).collect())
}

/// Writes the best crops of every person; their names.
fn write_crops(
    records: &dyn Records,
    followed: &Followed,
    identified: &Identified,
    settings: &FaceClusteringSettings,
    out: &mut Outputs,
) -> Result<BTreeMap<usize, Vec<String>>, StageError> {
    let best = crops::best(records, &followed.items, settings.crops as usize, |item, frame, instance| {
        let (track, at) = *followed.of_face.get(&(item, frame, instance))?;
        let (number, _) = identified.of_track[track]?;
        Some((number, followed.tracks[track].faces[at].quality))
    })?;
    let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (number, crops) in best {
        for (rank, (item, crop)) in crops.into_iter().enumerate() {
            let name = format!("identity-{number:04}/{rank:03}-item{item}-frame{}-{}.jpg", crop.frame, crop.instance);
            let file = out.artifact(&name).map_err(StageError::retry)?;
            file.write_all(&crop.jpeg).map_err(StageError::retry)?;
            names.entry(number).or_default().push(name);
        }
    }
    Ok(names)
}

fn face_ref(job: &Job, (item, frame, instance): Place) -> InstanceRef {
    let item = job.items.get(item).map(|item| item.name.clone()).unwrap_or_default();
    InstanceRef { item, frame, instance }
}

/// An annotation on the job (no item), an item, or a range of it.
fn scoped(item: &str, range: Option<FrameRange>, instance: u32, value: Value) -> ScopedAnnotation {
    ScopedAnnotation { item: item.to_owned(), range, annotation: Some(Annotation { instance, value: Some(value) }) }
}
