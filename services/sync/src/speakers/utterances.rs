//! Who speaks: for every stretch of speech the face of the shot whose mouth follows it best, or nobody in the image.
use crate::offset::{STILL, deviation, series};
use crate::settings::SyncSettings;
use crate::speakers::diarisation::Turn;
use crate::tracks::Track;
use framefleet_audio_features::correlation::{Contour, correlation_at, without_slow};
use framefleet_frames::FrameRange;
use framefleet_vision::assignment::assign;
use std::collections::BTreeMap;
use std::ops::Range;

/// Speech of unknown speakers is assigned in pieces of this length at most, nanoseconds: they may take turns without a pause.
const PIECE_NS: i64 = 3_000_000_000;
/// Shorter pieces are compared with this much around them.
const MIN_NS: i64 = 2_000_000_000;
/// A face has to be seen for this share of a piece.
const SEEN: f64 = 0.6;
/// Frames by which mouths may be off the offset: people differ.
const SLACK_FRAMES: i64 = 2;

/// Somebody speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// On the time of the images, nanoseconds from the item's first frame.
    pub range_ns: Range<i64>,
    /// Index of the shot.
    pub shot: usize,
    /// Name in the diarisation; empty without one.
    pub speaker: String,
    /// Index of the track; `None` when nobody in the image speaks.
    pub track: Option<usize>,
    /// Correlation of that track's mouth, or the best one that was not good enough.
    pub correlation: Option<f64>,
}

/// What identifies speakers.
pub struct Scene<'a> {
    /// Faces.
    pub tracks: &'a [Track],
    /// Shots by their frames' times, nanoseconds; in order.
    pub shots: &'a [Range<i64>],
    /// The audio.
    pub contour: &'a Contour,
    /// By how much it is ahead, nanoseconds.
    pub offset_ns: i64,
    /// Mean time per frame.
    pub frame_ns: i64,
}

/// Times of shots, from those of frames (number, nanoseconds).
pub fn shot_times(shots: &[FrameRange], frames: &[(u64, i64)], end_ns: i64) -> Vec<Range<i64>> {
    let at =
        |frame: u64| frames.get(frames.partition_point(|(number, _)| *number < frame)).map_or(end_ns, |(_, ns)| *ns);
    shots.iter().map(|shot| at(shot.start)..at(shot.end)).collect()
}

/// Who speaks, in the order of time. `speech` is where somebody does, on the time of the audio; `turns` who, if that is known.
pub fn utterances(
    scene: &Scene<'_>,
    speech: &[Range<i64>],
    turns: &[&Turn],
    settings: &SyncSettings,
) -> Vec<Utterance> {
    let mut found: Vec<Utterance> = if turns.is_empty() {
        let pieces = speech.iter().flat_map(|speech| pieces(speech, scene));
        pieces.map(|(shot, range)| best(scene, shot, range, settings)).collect()
    } else {
        named(scene, turns, settings)
    };
    found.sort_by_key(|utterance| (utterance.range_ns.start, utterance.range_ns.end));
    joined(found)
}

/// A stretch of audio as pieces of the shots' time.
fn pieces(speech: &Range<i64>, scene: &Scene<'_>) -> Vec<(usize, Range<i64>)> {
    let mut pieces = Vec::new();
    for (shot, range) in cut(speech, scene) {
        let length = range.end - range.start;
        let count = (length + PIECE_NS - 1) / PIECE_NS;
        pieces.extend(
            (0..count).map(|n| (shot, range.start + n * length / count..range.start + (n + 1) * length / count)),
        );
    }
    pieces
}

/// A stretch of audio on the time of the images, cut at shots.
fn cut(speech: &Range<i64>, scene: &Scene<'_>) -> Vec<(usize, Range<i64>)> {
    let (start, end) = (speech.start + scene.offset_ns, speech.end + scene.offset_ns);
    let parts = scene.shots.iter().enumerate().map(|(shot, time)| (shot, start.max(time.start)..end.min(time.end)));
    parts.filter(|(_, part)| part.start < part.end).collect()
}

/// The face that follows a piece of speech best.
fn best(scene: &Scene<'_>, shot: usize, range: Range<i64>, settings: &SyncSettings) -> Utterance {
    let here = scene.tracks.iter().enumerate().filter(|(_, track)| track.shot == shot);
    let scored = here.filter_map(|(index, track)| Some((index, follows(scene, track, &range, settings)?)));
    let best = scored.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let speaks = best.filter(|(_, correlation)| *correlation >= settings.speaker_correlation);
    Utterance {
        range_ns: range,
        shot,
        speaker: String::new(),
        track: speaks.map(|(index, _)| index),
        correlation: best.map(|(_, correlation)| correlation),
    }
}

/// How well a face's mouth follows the audio in a range, at the offset or a little beside it; 0 for a still one. `None` when it is not
/// seen for most of it.
fn follows(scene: &Scene<'_>, track: &Track, range: &Range<i64>, settings: &SyncSettings) -> Option<f64> {
    let more = (MIN_NS - (range.end - range.start)).max(0) / 2;
    let within = range.start - more..range.end + more;
    // Slow changes are estimated from what lies around the range.
    let at = |ns: i64| track.observations.partition_point(|observation| observation.pts_ns < ns);
    let around = &track.observations[at(within.start - MIN_NS)..at(within.end + MIN_NS)];
    let trusted = around.iter().filter(|observation| f64::from(observation.confidence) >= settings.min_confidence);
    let observations: Vec<_> = trusted.copied().collect();
    let seen = observations.iter().filter(|observation| range.contains(&observation.pts_ns)).count();
    if seen < 2 || (seen as f64) < SEEN * (range.end - range.start) as f64 / scene.frame_ns as f64 {
        return None;
    }
    let (times, apertures) = series(&observations);
    let steady = without_slow(&times, &apertures);
    let (times, steady): (Vec<i64>, Vec<f64>) =
        times.into_iter().zip(steady).filter(|(ns, _)| within.contains(ns)).unzip();
    if deviation(&steady) < STILL {
        return Some(0.0);
    }
    let at = |frames: i64| correlation_at(&times, &steady, scene.contour, scene.offset_ns + frames * scene.frame_ns);
    Some((-SLACK_FRAMES..=SLACK_FRAMES).map(at).fold(0.0, f64::max))
}

/// Turns of a diarisation: in every shot its speakers and faces are matched one to one, by how well they go together over all turns there.
fn named(scene: &Scene<'_>, turns: &[&Turn], settings: &SyncSettings) -> Vec<Utterance> {
    let ns = |seconds: f64| (seconds * 1e9).round() as i64;
    let mut by_shot: BTreeMap<usize, Vec<(&str, Range<i64>)>> = BTreeMap::new();
    for turn in turns {
        for (shot, range) in cut(&(ns(turn.start)..ns(turn.end)), scene) {
            by_shot.entry(shot).or_default().push((&turn.speaker, range));
        }
    }
    by_shot.into_iter().flat_map(|(shot, turns)| named_in_shot(scene, shot, &turns, settings)).collect()
}

fn named_in_shot(
    scene: &Scene<'_>,
    shot: usize,
    turns: &[(&str, Range<i64>)],
    settings: &SyncSettings,
) -> Vec<Utterance> {
    let mut speakers: Vec<&str> = turns.iter().map(|(speaker, _)| *speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let faces: Vec<usize> = (0..scene.tracks.len()).filter(|index| scene.tracks[*index].shot == shot).collect();
    let scores: Vec<Vec<Option<f64>>> = turns
        .iter()
        .map(|(_, range)| faces.iter().map(|face| follows(scene, &scene.tracks[*face], range, settings)).collect())
        .collect();
    let together = |speaker: usize, face: usize| {
        let of_speaker = turns.iter().zip(&scores).filter(|((name, _), _)| *name == speakers[speaker]);
        let sum: f64 = of_speaker
            .filter_map(|((_, range), scores)| Some(scores[face]? * (range.end - range.start) as f64 / 1e9))
            .sum();
        sum as f32
    };
    let pairs = assign(speakers.len(), faces.len(), f32::MIN_POSITIVE, together);
    let utterance = |((speaker, range), scores): (&(&str, Range<i64>), &Vec<Option<f64>>)| {
        let paired = pairs.iter().find(|(index, _)| speakers[*index] == *speaker).map(|(_, face)| *face);
        let correlation = paired.and_then(|face| scores[face]);
        let speaks = correlation.is_some_and(|correlation| correlation >= settings.speaker_correlation);
        Utterance {
            range_ns: range.clone(),
            shot,
            speaker: (*speaker).to_owned(),
            track: paired.filter(|_| speaks).map(|face| faces[face]),
            correlation,
        }
    };
    turns.iter().zip(&scores).map(utterance).collect()
}

/// Pieces that follow each other, of one shot and speaker, as one.
fn joined(utterances: Vec<Utterance>) -> Vec<Utterance> {
    let mut joined: Vec<Utterance> = Vec::new();
    for next in utterances {
        match joined.last_mut() {
            Some(last)
                if last.range_ns.end == next.range_ns.start
                    && (last.shot, last.track, &last.speaker) == (next.shot, next.track, &next.speaker) =>
            {
                let seconds = |range: &Range<i64>| (range.end - range.start) as f64;
                let (a, b) = (seconds(&last.range_ns), seconds(&next.range_ns));
                last.correlation = match (last.correlation, next.correlation) {
                    (Some(p), Some(q)) => Some((p * a + q * b) / (a + b)),
                    (one, other) => one.or(other),
                };
                last.range_ns.end = next.range_ns.end;
            }
            _ => joined.push(next),
        }
    }
    joined
}
