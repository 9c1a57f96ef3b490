//! The half of the stage that hears: offsets, who speaks, and statistics, one item at a time.
use crate::offset::distances::{self, Distances};
use crate::offset::{Estimate, Segment, compare, estimate};
use crate::settings::SyncSettings;
use crate::sound::Sound;
use crate::sound_track::{self, ChosenTrack};
use crate::speakers::diarisation::{Diarisation, Turn};
use crate::speakers::utterances::{Scene, Utterance, shot_times, utterances};
use crate::summary::{FaceSummary, ItemSummary, Summary, state_name};
use crate::tracks::{Known, MouthObservation, Track, tracks};
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Amendment, Annotation, AvOffset, FrameRange, Item, ItemKind, Kind, ScopedAnnotation, Speaking, SyncState,
};
use framefleet_infer::Session;
use framefleet_perception::by_item;
use framefleet_stage::{Job, Outputs, Record, Records, StageError, codes};
use std::ops::Range;

/// An offset of less confidence is none.
const MIN_CONFIDENCE: f64 = 0.3;
/// Somebody who speaks for less, seconds, is nobody.
const MIN_SPEECH: f64 = 1.0;
/// Audio is listened to up to here: timestamps of broken files may be anything. Nanoseconds: a day.
const LONGEST_NS: i64 = 86_400_000_000_000;
/// Rate where neither timestamps nor the item know better: nanoseconds per frame.
const USUAL_FRAME_NS: i64 = 40_000_000;

/// What process made of an item.
struct Footage<'j> {
    item: &'j Item,
    /// Number and time of every frame with a result.
    frames: Vec<(u64, i64)>,
    observations: Vec<MouthObservation>,
    shots: Vec<FrameRange>,
}

impl Footage<'_> {
    fn add(&mut self, record: &Record) {
        self.frames.push((record.frame, record.pts_ns));
        self.observations.extend(record.annotations.iter().filter_map(|annotation| match &annotation.value {
            Some(Value::Mouth(mouth)) => {
                Some(MouthObservation::new(record.frame, record.pts_ns, annotation.instance, mouth))
            }
            _ => None,
        }));
    }
}

/// What is heard of an item, and in which of its tracks.
struct Heard<'s> {
    sound: &'s Sound,
    track: &'s ChosenTrack,
}

/// What finish knows of an item before it listens.
struct Scenery {
    tracks: Vec<Track>,
    shots: Vec<FrameRange>,
    shot_times: Vec<Range<i64>>,
    /// Per source frame, and per frame that was read, nanoseconds.
    frame_ns: i64,
    step_ns: i64,
    end_ns: i64,
}

/// Sums up all items.
pub fn finish(
    job: &Job,
    records: &dyn Records,
    vad: &Session,
    diarisation: &Diarisation,
    settings: &SyncSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let mut summary = Summary::default();
    let distances = settings.lip_sync_model.is_some().then(|| distances::read(records)).transpose()?;
    let mut items = by_item(records, job);
    while let Some(mut results) = items.next_item()? {
        let (item, shots) = (results.item(), results.shots().to_vec());
        let mut footage = Footage { item, shots, frames: Vec::new(), observations: Vec::new() };
        for frame in results.by_ref() {
            footage.add(&frame?.record);
        }
        match finish_item(job, &footage, vad, distances.as_ref(), diarisation, settings, out) {
            Ok(of_item) => summary.add(of_item),
            // The file is another one than was planned with; that is no reason to have nothing of the others.
            Err(StageError::BadInput(reason)) => out.fail_item(&footage.item.name, codes::BAD_INPUT, reason),
            Err(error) => return Err(error),
        }
    }
    out.statistics(&summary.statistics());
    Ok(())
}

fn finish_item(
    job: &Job,
    footage: &Footage<'_>,
    vad: &Session,
    distances: Option<&Distances>,
    diarisation: &Diarisation,
    settings: &SyncSettings,
    out: &mut Outputs,
) -> Result<ItemSummary, StageError> {
    let mut summary = ItemSummary { item: footage.item.name.clone(), ..ItemSummary::default() };
    if footage.item.kind() == ItemKind::Stills || footage.frames.is_empty() {
        summary.state = state_name(SyncState::NoFace);
        return Ok(summary);
    }
    let scenery = scenery(job, footage);
    summary.video_seconds = scenery.end_ns as f64 / 1e9;
    let until = scenery.end_ns.min(LONGEST_NS) + i64::from(settings.max_offset_ms) * 1_000_000;
    let track = sound_track::choose(job, footage.item, scenery.end_ns.min(LONGEST_NS), vad, settings)?;
    let Some(sound) = Sound::listen(job, footage.item, track.number, until, vad, settings.voice_threshold)? else {
        let offset = AvOffset { state: SyncState::NoAudio.into(), ..AvOffset::default() };
        summary.set_offset(&offset);
        out.annotate_scope(scoped(&footage.item.name, None, 0, Value::AvOffset(offset)));
        amend(&footage.item.name, &scenery.tracks, None, out);
        summary.faces = faces(&scenery, None);
        return Ok(summary);
    };
    summary.note = track.note(footage.item);
    let heard = Heard { sound: &sound, track: &track };
    let offset_ns = offsets(footage, &scenery, &heard, distances, settings, &mut summary, out);
    let turns: Vec<_> = diarisation.of(&footage.item.name).collect();
    let spoken = who_speaks(footage, &scenery, &sound, (offset_ns, &turns), settings, out);
    amend(&footage.item.name, &scenery.tracks, Some(&spoken), out);
    summary.faces = faces(&scenery, Some(&spoken));
    summary.off_screen_seconds = seconds(spoken.iter().filter(|utterance| utterance.track.is_none()));
    Ok(summary)
}

/// Shots, tracks and times.
fn scenery(job: &Job, footage: &Footage<'_>) -> Scenery {
    let mut shots = footage.shots.clone();
    if shots.is_empty() {
        shots.push(FrameRange { start: 0, end: u64::MAX });
    }
    let tracks = tracks(&footage.observations, &shots, &known(job, &footage.item.name));
    let (first, last) = (footage.frames[0], footage.frames[footage.frames.len() - 1]);
    let per = |count: u64| if count > 0 { (last.1 - first.1) / count as i64 } else { 0 };
    let rate = footage.item.frame_rate.as_ref().filter(|rate| rate.num > 0 && rate.den > 0);
    let usual = rate.map_or(USUAL_FRAME_NS, |rate| (1e9 * rate.den as f64 / rate.num as f64) as i64);
    let positive = |ns: i64| if ns > 0 { ns } else { usual };
    let frame_ns = positive(per(last.0 - first.0));
    let end_ns = last.1 + frame_ns;
    Scenery {
        shot_times: shot_times(&shots, &footage.frames, end_ns),
        tracks,
        shots,
        frame_ns,
        step_ns: positive(per(footage.frames.len() as u64 - 1)),
        end_ns,
    }
}

/// Faces of an item as face clustering followed them.
fn known(job: &Job, item: &str) -> Known {
    let kind = Kind::new("face_track");
    let mut known = Known::new();
    for (_, track) in job.scoped_of(&kind).filter(|(scoped, _)| scoped.item == item) {
        if let Some(Value::FaceTrack(track)) = &track.value {
            known
                .extend(track.frames.iter().zip(&track.instances).map(|(frame, face)| ((*frame, *face), track.number)));
        }
    }
    known
}

/// Writes the offset of the item and of its shots; gives that of the item, 0 where it is not known.
fn offsets(
    footage: &Footage<'_>,
    scenery: &Scenery,
    heard: &Heard<'_>,
    distances: Option<&Distances>,
    settings: &SyncSettings,
    summary: &mut ItemSummary,
    out: &mut Outputs,
) -> i64 {
    let Heard { sound, track } = heard;
    let contour = sound.contour(scenery.step_ns);
    let compared: Vec<_> =
        scenery.tracks.iter().map(|track| compare(track, &contour, &sound.speech, scenery.step_ns, settings)).collect();
    let stretches: usize = compared.iter().map(|compared| compared.stretches).sum();
    let segments: Vec<&Segment> = compared.iter().flat_map(|compared| &compared.segments).collect();
    let whole = 0..i64::MAX;
    let published = |segments: &[&Segment], tracks: &[&Track], within: &Range<i64>| {
        let measured = match distances {
            Some(distances) => {
                distances.of((&footage.item.name, track.number), tracks).map(|found| found.published(scenery.frame_ns))
            }
            None => estimate(segments, scenery.step_ns, settings).map(|found| measured(&found, scenery.frame_ns)),
        };
        let speech_seconds = sound.speech_seconds(within);
        let confident = |offset: &AvOffset| offset.confidence.is_some_and(|c| f64::from(c) >= MIN_CONFIDENCE);
        let state = match &measured {
            _ if stretches == 0 => SyncState::NoFace,
            _ if speech_seconds < MIN_SPEECH => SyncState::NoSpeech,
            Some(offset) if confident(offset) => SyncState::Measured,
            _ => SyncState::Uncertain,
        };
        let known = measured.filter(|_| state == SyncState::Measured).unwrap_or_default();
        AvOffset {
            state: state.into(),
            segments: segments.len() as u32,
            speech_seconds: speech_seconds as f32,
            ..known
        }
    };
    let all: Vec<&Track> = scenery.tracks.iter().collect();
    // Where there is one track, nothing was chosen.
    let chosen = (!track.reason.is_empty()).then_some(track.number);
    let of_item = AvOffset {
        sound: Some(sound.overview.clone()),
        sound_track: chosen,
        sound_track_reason: track.reason.clone(),
        ..published(&segments, &all, &whole)
    };
    summary.set_offset(&of_item);
    let offset_ns = of_item.offset_ms.map_or(0, |ms| (f64::from(ms) * 1e6) as i64);
    out.annotate_scope(scoped(&footage.item.name, None, 0, Value::AvOffset(of_item)));
    if scenery.shots.len() > 1 {
        for (shot, range) in scenery.shots.iter().enumerate() {
            let of_shot: Vec<&Segment> = segments.iter().filter(|segment| segment.shot == shot).copied().collect();
            if of_shot.is_empty() {
                continue;
            }
            let tracks: Vec<&Track> = scenery.tracks.iter().filter(|track| track.shot == shot).collect();
            let offset = AvOffset {
                drift_ppm: None,
                drift_error_ppm: None,
                ..published(&of_shot, &tracks, &scenery.shot_times[shot])
            };
            out.annotate_scope(scoped(&footage.item.name, Some(*range), shot as u32 + 1, Value::AvOffset(offset)));
        }
    }
    offset_ns
}

/// An estimate as it is published.
fn measured(found: &Estimate, frame_ns: i64) -> AvOffset {
    AvOffset {
        offset_ms: Some((found.offset_ns / 1e6) as f32),
        offset_frames: Some((found.offset_ns / frame_ns as f64) as f32),
        confidence: Some(found.confidence as f32),
        correlation: Some(found.correlation as f32),
        peak_ratio: Some(found.ratio as f32),
        drift_ppm: found.drift.map(|(slope, _)| (slope * 1e6) as f32),
        drift_error_ppm: found.drift.map(|(_, error)| (error * 1e6) as f32),
        ..AvOffset::default()
    }
}

/// Writes who speaks when, by the item's offset and what is known of turns.
fn who_speaks(
    footage: &Footage<'_>,
    scenery: &Scenery,
    sound: &Sound,
    (offset_ns, turns): (i64, &[&Turn]),
    settings: &SyncSettings,
    out: &mut Outputs,
) -> Vec<Utterance> {
    let contour = sound.contour(scenery.step_ns);
    let scene = Scene {
        tracks: &scenery.tracks,
        shots: &scenery.shot_times,
        contour: &contour,
        offset_ns,
        frame_ns: scenery.step_ns,
    };
    let spoken = utterances(&scene, &sound.speech, turns, settings);
    for (instance, utterance) in (0..).zip(&spoken) {
        let track = utterance.track.map(|index| scenery.tracks[index].number);
        let label = match track {
            Some(_) if !utterance.speaker.is_empty() => utterance.speaker.clone(),
            Some(number) => format!("face {number}"),
            None if !utterance.speaker.is_empty() => format!("{} (off screen)", utterance.speaker),
            None => "off screen".to_owned(),
        };
        let speaking = Speaking {
            label,
            track,
            speaker: utterance.speaker.clone(),
            correlation: utterance.correlation.map(|correlation| correlation as f32),
            start_ns: utterance.range_ns.start - offset_ns,
            end_ns: utterance.range_ns.end - offset_ns,
        };
        let at = |ns: i64| footage.frames.partition_point(|(_, pts)| *pts < ns);
        let frames = &footage.frames[at(utterance.range_ns.start)..at(utterance.range_ns.end)];
        if let (Some((first, _)), Some((last, _))) = (frames.first(), frames.last()) {
            let range = FrameRange { start: *first, end: last + 1 };
            out.annotate_scope(scoped(&footage.item.name, Some(range), instance, Value::Speaking(speaking)));
        }
    }
    spoken
}

/// Gives every mouth its track and, where there is audio, whether it speaks.
fn amend(item: &str, tracks: &[Track], spoken: Option<&[Utterance]>, out: &mut Outputs) {
    for (index, track) in tracks.iter().enumerate() {
        let own: Vec<&Utterance> = spoken.into_iter().flatten().filter(|u| u.track == Some(index)).collect();
        for observation in &track.observations {
            let mut fields = serde_json::json!({ "track": track.number });
            if spoken.is_some() {
                fields["speaking"] = own.iter().any(|u| u.range_ns.contains(&observation.pts_ns)).into();
            }
            out.amend(Amendment {
                item: item.to_owned(),
                frame: observation.frame,
                instance: observation.instance,
                kind: "mouth".to_owned(),
                json: fields.to_string(),
            });
        }
    }
}

/// What is said of every face, by its number.
fn faces(scenery: &Scenery, spoken: Option<&[Utterance]>) -> Vec<FaceSummary> {
    let mut faces: Vec<FaceSummary> = Vec::new();
    for (index, track) in scenery.tracks.iter().enumerate() {
        let own = || spoken.into_iter().flatten().filter(|utterance| utterance.track == Some(index));
        let visible = track.observations.len() as f64 * scenery.step_ns as f64 / 1e9;
        let face = match faces.iter_mut().position(|face| face.track == track.number) {
            Some(at) => &mut faces[at],
            None => {
                faces.push(FaceSummary::new(track.number));
                let last = faces.len() - 1;
                &mut faces[last]
            }
        };
        face.add(visible, seconds(own()), own());
    }
    faces
}

fn seconds<'u>(utterances: impl Iterator<Item = &'u Utterance>) -> f64 {
    let ns: i64 = utterances.map(|utterance| utterance.range_ns.end - utterance.range_ns.start).sum();
    ns as f64 / 1e9
}

/// An annotation on an item or a range of it.
fn scoped(item: &str, range: Option<FrameRange>, instance: u32, value: Value) -> ScopedAnnotation {
    ScopedAnnotation { item: item.to_owned(), range, annotation: Some(Annotation { instance, value: Some(value) }) }
}
