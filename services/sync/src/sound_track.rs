//! Which sound track of an item is heard: the one that the user names, or the one in which somebody speaks.
use crate::settings::SyncSettings;
use crate::track_setting::{count, describe};
use framefleet_audio_features::voice::{self, RATE, VoiceActivity};
use framefleet_frames::Item;
use framefleet_infer::Session;
use framefleet_stage::{Job, StageError};
use std::ops::Range;

/// Of longer items this many stretches are listened to.
const STRETCHES: i64 = 12;
/// Length of a stretch, nanoseconds.
const STRETCH_NS: i64 = 10_000_000_000;
/// Audio read at once, nanoseconds.
const CHUNK_NS: i64 = 60_000_000_000;
/// Another track than the default one has to have this many times its speech …
const MORE: f64 = 1.25;
/// … and this many seconds besides: dubbed versions speak for about as long.
const MORE_SECONDS: f64 = 1.0;

/// The track that is heard.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenTrack {
    /// Its number.
    pub number: u32,
    /// Why it is heard, in words; empty where there is no other.
    pub reason: String,
}

impl ChosenTrack {
    /// What is to be said of an item with several tracks.
    pub fn note(&self, item: &Item) -> Option<String> {
        let track = item.sound_tracks.get(self.number as usize).filter(|_| count(item) > 1)?;
        let (track, count) = (describe(self.number, track), count(item));
        Some(format!("of its {count} sound tracks {track} is heard for sync: {}", self.reason))
    }
}

/// The track that settings ask for; else the default one, unless somebody speaks for clearly longer in another. Short items are listened to as a whole,
/// of longer ones two minutes that are spread over them, and all where nobody speaks in those.
///
/// # Errors
/// A track that is not there; audio that cannot be read, or a model that cannot run.
pub fn choose(
    job: &Job,
    item: &Item,
    end_ns: i64,
    vad: &Session,
    settings: &SyncSettings,
) -> Result<ChosenTrack, StageError> {
    let asked = settings.track.find(item).map_err(StageError::BadInput)?;
    if count(item) == 1 {
        return Ok(ChosenTrack { number: 0, reason: String::new() });
    }
    if let Some(number) = asked {
        return Ok(ChosenTrack { number, reason: "the setting track says so".to_owned() });
    }
    let measure = |ranges: &[Range<i64>]| -> Result<Vec<f64>, StageError> {
        let of_track = |track| {
            let seconds = |range: &Range<i64>| speech_seconds(job, item, track, range, vad, settings.voice_threshold);
            ranges.iter().map(seconds).sum()
        };
        (0..count(item)).map(of_track).collect()
    };
    let mut ranges = stretches(end_ns);
    let mut speech = measure(&ranges)?;
    if ranges.len() > 1 && speech.iter().all(|seconds| *seconds == 0.0) {
        ranges = std::iter::once(0..end_ns).collect();
        speech = measure(&ranges)?;
    }
    let listened = ranges.iter().map(|range| range.end - range.start).sum::<i64>() as f64 / 1e9;
    let default = item.sound_tracks.iter().position(|track| track.is_default).unwrap_or(0);
    Ok(decide(&speech, default, listened))
}

/// The track by seconds of speech in each, of so many that were listened to.
fn decide(speech: &[f64], default: usize, listened: f64) -> ChosenTrack {
    let of = |track: usize| speech.get(track).copied().unwrap_or_default();
    // Of equals the first.
    let most = (0..speech.len()).rev().max_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap_or(default);
    let (number, reason) = match of(most) > of(default) * MORE + MORE_SECONDS {
        true => (
            most,
            format!(
                "somebody speaks for {:.1} s of the {listened:.0} s that were compared, in the default track {default} for {:.1} s",
                of(most),
                of(default)
            ),
        ),
        false if of(default) > 0.0 => {
            (default, "it is the default one, and in no other somebody speaks for clearly longer".to_owned())
        }
        false => (default, "it is the default one, and nobody speaks in any".to_owned()),
    };
    ChosenTrack { number: number as u32, reason }
}

/// Parts of an item that stand for all of it.
fn stretches(end_ns: i64) -> Vec<Range<i64>> {
    if end_ns <= STRETCHES * STRETCH_NS {
        return std::iter::once(0..end_ns.max(1)).collect();
    }
    let begin = |number: i64| (end_ns - STRETCH_NS) / (STRETCHES - 1) * number;
    (0..STRETCHES).map(begin).map(|begin| begin..begin + STRETCH_NS).collect()
}

/// Seconds of a part of a track in which somebody speaks.
fn speech_seconds(
    job: &Job,
    item: &Item,
    track: u32,
    range: &Range<i64>,
    vad: &Session,
    threshold: f64,
) -> Result<f64, StageError> {
    let mut activity = VoiceActivity::new(vad);
    for start in (range.start..range.end).step_by(CHUNK_NS as usize) {
        let chunk = start..(start + CHUNK_NS).min(range.end);
        let Some(audio) = job.audio.read(item, Some(track), chunk, RATE).map_err(StageError::Retry)? else {
            return Ok(0.0);
        };
        activity.listen(&audio.samples).map_err(StageError::retry)?;
    }
    let speech = voice::speech(&activity.finish().map_err(StageError::retry)?, threshold as f32);
    Ok(speech.iter().map(|speech| speech.end - speech.start).sum::<i64>() as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_track_is_heard_unless_another_speaks_clearly_more() {
        let chosen = |speech: &[f64], default| decide(speech, default, 60.0).number;
        assert_eq!(chosen(&[0.0, 12.0], 0), 1);
        assert_eq!(chosen(&[30.0, 33.0], 0), 0, "a dubbed version");
        assert_eq!(chosen(&[30.0, 33.0], 1), 1);
        assert_eq!(chosen(&[0.0, 0.0, 0.0], 2), 2);
        assert_eq!(chosen(&[0.0, 9.0, 9.0], 0), 1, "of equals the first");
        assert!(decide(&[0.0, 12.0], 0, 60.0).reason.contains("12.0 s of the 60 s"));
    }

    #[test]
    fn stretches_span_an_item() {
        assert_eq!(stretches(90_000_000_000), std::slice::from_ref(&(0..90_000_000_000)));
        let hour = stretches(3_600_000_000_000);
        assert_eq!((hour.len() as i64, hour[0].start), (STRETCHES, 0));
        assert!((3_600_000_000_000 - hour.last().unwrap().end).abs() < 1000);
    }
}
