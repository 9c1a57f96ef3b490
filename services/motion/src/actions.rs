//! Stretches of a shot whose motion has one character.
use crate::series::FrameFacts;
use framefleet_frames::{Action, ActionLabel, FrameRange};

/// Compared frames that a label looks back on, itself included.
const WINDOW: usize = 10;
/// With fewer there is no label.
const MIN_WINDOW: usize = 3;

/// Labels the frames of a shot that ends at frame number `end`: runs of one label. The frames before the first label
/// belong to the first run; a shot with too few compared frames has none. The first frame's motion is across the cut and
/// left out.
pub fn actions(shot: &[FrameFacts], end: u64) -> Vec<(FrameRange, Action)> {
    let moving: Vec<(u64, f64)> =
        shot.iter().skip(1).filter_map(|frame| frame.magnitude.map(|(_, percent)| (frame.number, percent))).collect();
    let Some(first) = shot.first().filter(|_| moving.len() >= MIN_WINDOW) else {
        return Vec::new();
    };
    let mut runs: Vec<(u64, ActionLabel, Vec<f64>)> = Vec::new();
    for index in MIN_WINDOW - 1..moving.len() {
        let window = &moving[(index + 1).saturating_sub(WINDOW)..=index];
        let current = label(window);
        match runs.last_mut() {
            Some((_, label, magnitudes)) if *label == current => magnitudes.push(moving[index].1),
            Some(_) => runs.push((moving[index].0, current, vec![moving[index].1])),
            None => runs.push((first.number, current, window.iter().map(|(_, percent)| *percent).collect())),
        }
    }
    let ends: Vec<u64> = runs.iter().skip(1).map(|(start, ..)| *start).chain([end]).collect();
    runs.into_iter()
        .zip(ends)
        .map(|((start, label, magnitudes), end)| {
            let mean = magnitudes.iter().sum::<f64>() / magnitudes.len() as f64;
            (FrameRange { start, end }, Action { label: label.into(), magnitude_percent: mean as f32 })
        })
        .collect()
}

/// The label of a window, by the limits that the wire format documents.
fn label(window: &[(u64, f64)]) -> ActionLabel {
    let count = window.len() as f64;
    let mean = window.iter().map(|(_, percent)| percent).sum::<f64>() / count;
    let std = (window.iter().map(|(_, percent)| (percent - mean).powi(2)).sum::<f64>() / count).sqrt();
    if mean < 0.16 {
        ActionLabel::Idle
    } else if mean < 0.31 && std < 0.11 {
        ActionLabel::Walking
    } else if mean < 0.47 && std < 0.16 {
        ActionLabel::Moving
    } else if std > 0.22 {
        ActionLabel::DynamicAction
    } else {
        ActionLabel::ContinuousMotion
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::tests::frame;

    #[test]
    fn runs_cover_the_shot_without_gaps() {
        let quiet_then_fast = |number| if number < 30 { 0.05 } else { 2.0 };
        let shot: Vec<FrameFacts> = (10..60)
            .map(|number| FrameFacts { magnitude: Some((1.0, quiet_then_fast(number))), ..frame(number) })
            .collect();
        let runs = actions(&shot, 60);
        assert_eq!(runs[0].0.start, 10);
        assert_eq!(runs.last().unwrap().0.end, 60);
        assert!(runs.windows(2).all(|pair| pair[0].0.end == pair[1].0.start));
        assert_eq!(runs[0].1.label(), ActionLabel::Idle);
        // Half slow, half fast frames in the window: a change of pace; then steady again.
        let labels: Vec<ActionLabel> = runs.iter().map(|(_, action)| action.label()).collect();
        assert!(labels.contains(&ActionLabel::DynamicAction), "{labels:?}");
        assert_eq!(labels.last(), Some(&ActionLabel::ContinuousMotion));
    }

    #[test]
    fn too_few_frames_have_no_label() {
        let shot: Vec<FrameFacts> =
            (0..3).map(|number| FrameFacts { magnitude: Some((1.0, 1.0)), ..frame(number) }).collect();
        assert!(actions(&shot, 3).is_empty());
        assert!(actions(&[], 0).is_empty());
    }
}
