//! The sound of an item on its timeline: the wave, where somebody speaks, and by how much it is ahead or late.
use crate::columns::{NumberColumns, count};
use crate::model::{Axis, Label, Series};
use framefleet_frames::{AvOffset, SoundOverview, SyncState};

/// Curves of an item's sound: the wave and the probability of speech.
pub fn series(step: &str, offset: &AvOffset, axis: &Axis) -> Vec<Series> {
    let Some(sound) = offset.sound.as_ref().filter(|sound| sound.step_ns > 0) else { return Vec::new() };
    let columns = count(axis);
    let (mut wave, mut voice) = (NumberColumns::new(columns), NumberColumns::new(columns));
    for (column, steps) in steps(sound, axis).into_iter().enumerate() {
        for step in steps {
            let range = [&sound.low, &sound.high].map(|values| values.get(step).copied().map(f64::from));
            range.into_iter().flatten().for_each(|value| wave.push(column, value));
            sound.voice.get(step).iter().for_each(|probability| voice.push(column, f64::from(**probability)));
        }
    }
    let series = |name: String, unit: &str| Series {
        step: step.to_owned(),
        name,
        unit: unit.to_owned(),
        primary: true,
        ..Series::default()
    };
    let name = format!("Sound ({})", words(offset));
    vec![wave.fill(1.0, series(name, "")), voice.fill(100.0, series("Voice activity".to_owned(), "%"))]
}

/// What the list of shots says of the sound.
pub fn label(offset: &AvOffset) -> Label {
    Label { name: "Sound".to_owned(), value: words(offset) }
}

/// The offset in words.
fn words(offset: &AvOffset) -> String {
    match (offset.state(), offset.offset_ms) {
        (SyncState::Measured, Some(ms)) if ms.round() == 0.0 => "in sync".to_owned(),
        (SyncState::Measured, Some(ms)) if ms > 0.0 => format!("{:.0} ms ahead", ms),
        (SyncState::Measured, Some(ms)) => format!("{:.0} ms late", -ms),
        (SyncState::NoAudio, _) => "none".to_owned(),
        (SyncState::NoFace, _) => "no face to compare with".to_owned(),
        (SyncState::NoSpeech, _) => "no speech".to_owned(),
        (SyncState::Uncertain | SyncState::Measured | SyncState::Unspecified, _) => "offset unknown".to_owned(),
    }
}

/// The steps of sound that each column shows, at least one; none where the column's time is not known or the sound has ended.
fn steps(sound: &SoundOverview, axis: &Axis) -> Vec<std::ops::Range<usize>> {
    let step_of = |seconds: f64| (seconds * 1e9 / sound.step_ns as f64).max(0.0) as usize;
    let steps = |(column, start): (usize, &Option<f64>)| {
        let Some(start) = start else { return 0..0 };
        let first = step_of(*start);
        let next = axis.seconds[column + 1..].iter().copied().flatten().next();
        let end = next.map_or(sound.low.len(), step_of).max(first + 1);
        first..end.min(sound.low.len()).max(first)
    };
    axis.seconds.iter().enumerate().map(steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(ms: Option<f32>, state: SyncState) -> AvOffset {
        let sound = SoundOverview {
            step_ns: 100_000_000,
            low: (0..20).map(|n| -0.01 * n as f32).collect(),
            high: (0..20).map(|n| 0.02 * n as f32).collect(),
            voice: (0..20).map(|n| if n < 10 { 1.0 } else { 0.0 }).collect(),
        };
        AvOffset { state: state.into(), offset_ms: ms, sound: Some(sound), ..AvOffset::default() }
    }

    fn axis(columns: usize, seconds: f64) -> Axis {
        let frames_per_column = 50 / columns as u64;
        let seconds = (0..columns).map(|n| Some(n as f64 * seconds)).collect();
        Axis { start: 0, end: 50, frames_per_column, seconds }
    }

    #[test]
    fn coarse_columns_hold_the_extremes_and_fine_ones_have_no_gaps() {
        let coarse = series("sync", &offset(Some(240.2), SyncState::Measured), &axis(5, 0.4));
        assert_eq!((coarse[0].name.as_str(), coarse[1].name.as_str()), ("Sound (240 ms ahead)", "Voice activity"));
        assert_eq!((coarse[0].min[1], coarse[0].max[1]), (Some(-0.07), Some(0.14)));
        assert_eq!((coarse[1].mean[0], coarse[1].mean[4]), (Some(100.0), Some(0.0)));
        let fine = series("sync", &offset(None, SyncState::Uncertain), &axis(50, 0.04));
        assert!(fine.iter().all(|series| series.mean.len() == 50 && series.mean.iter().all(Option::is_some)));
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let mut silent = offset(None, SyncState::NoAudio);
        silent.sound = None;
        assert!(series("sync", &silent, &axis(5, 0.4)).is_empty());
        let mut unknown = axis(5, 0.4);
        unknown.seconds[2] = None;
        assert_eq!(series("sync", &offset(None, SyncState::NoSpeech), &unknown)[0].mean[2], None);
        assert!(
            series("sync", &offset(None, SyncState::NoSpeech), &axis(5, 3.0))[0].mean[1..].iter().all(Option::is_none)
        );
        assert_eq!(label(&offset(Some(-80.0), SyncState::Measured)).value, "80 ms late");
        assert_eq!(label(&offset(Some(0.3), SyncState::Measured)).value, "in sync");
    }
}
