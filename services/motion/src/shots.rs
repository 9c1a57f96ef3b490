//! Where shots begin: cuts by the content score with an adaptive rule (after PySceneDetect's content and adaptive
//! detectors), fades by luma, a filter for flashes, and a shortest length.
use crate::series::FrameFacts;
use crate::settings::MotionSettings;
use framefleet_frames::Transition;
use std::ops::Range;

/// Frames before and after a cut that its score is compared with.
const NEIGHBOURS: usize = 2;
/// A picture is back when it differs from the one before the flash by less than this share of what the flash differed.
const BACK: f64 = 0.35;
/// Slack for sums of rounded timestamps, nanoseconds.
const SLACK_NS: f64 = 1e3;

/// A shot: frames of the series, and how it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Indices into the series.
    pub frames: Range<usize>,
    /// How it begins.
    pub transition: Transition,
    /// Whether it begins exactly there: no frame is missing before it.
    pub exact: bool,
}

/// A place where a shot may begin.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    index: usize,
    transition: Transition,
    exact: bool,
}

/// Splits the frames of an item into shots; no frames, no shots.
pub fn shots(frames: &[FrameFacts], settings: &MotionSettings) -> Vec<Span> {
    if frames.is_empty() {
        return Vec::new();
    }
    let mut boundaries: Vec<Boundary> = (1..frames.len()).filter_map(|index| cut(frames, index, settings)).collect();
    for interruption in flashes(frames, &boundaries, settings) {
        boundaries.retain(|boundary| !interruption.contains(&boundary.index));
    }
    for dark in fades(frames, settings) {
        boundaries.retain(|boundary| boundary.index < dark.start || boundary.index > dark.end);
        let index = (dark.start + dark.end) / 2;
        boundaries.push(Boundary { index, transition: Transition::Fade, exact: follows(frames, index) });
    }
    boundaries.sort_by_key(|boundary| boundary.index);
    spans(frames, &long_enough(frames, boundaries, settings))
}

/// Whether a shot may begin at a frame.
fn cut(frames: &[FrameFacts], index: usize, settings: &MotionSettings) -> Option<Boundary> {
    let boundary = |exact| Some(Boundary { index, transition: Transition::Cut, exact });
    if let Some(score) = content(&frames[index]) {
        let usual = neighbourhood(frames, index);
        if score >= settings.cut_floor && score >= settings.cut_ratio * usual {
            return boundary(true);
        }
    }
    let known = follows(frames, index) && content(&frames[index]).is_some();
    let apart = colour_distance(&frames[index - 1], &frames[index]);
    if !known && apart >= settings.cut_content { boundary(false) } else { None }
}

/// The content score of a frame against its predecessor in the item.
fn content(frame: &FrameFacts) -> Option<f64> {
    frame.change.content.map(f64::from)
}

/// Mean content score of the frames around one; 0 when there are none.
fn neighbourhood(frames: &[FrameFacts], index: usize) -> f64 {
    let around = index.saturating_sub(NEIGHBOURS)..(index + NEIGHBOURS + 1).min(frames.len());
    let scores: Vec<f64> = around.filter(|other| *other != index).filter_map(|other| content(&frames[other])).collect();
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

/// Whether no frame is missing before this one.
fn follows(frames: &[FrameFacts], index: usize) -> bool {
    frames[index - 1].number + 1 == frames[index].number
}

/// Mean absolute difference (0–255) of the colours of two frames; 0 when they are not known.
fn colour_distance(a: &FrameFacts, b: &FrameFacts) -> f64 {
    if a.colours.len() != b.colours.len() || a.colours.is_empty() {
        return 0.0;
    }
    let sum: u32 = a.colours.iter().zip(&b.colours).map(|(p, q)| u32::from(p.abs_diff(*q))).sum();
    f64::from(sum) / a.colours.len() as f64
}

/// Interruptions after which the picture from before is back: from where it is gone to where it is back, inclusive.
fn flashes(
    frames: &[FrameFacts],
    boundaries: &[Boundary],
    settings: &MotionSettings,
) -> Vec<std::ops::RangeInclusive<usize>> {
    let back = |boundary: &Boundary| {
        let gone = boundary.index;
        let returns = |after: &usize| is_back(frames, gone, *after);
        let after = (gone + 1..frames.len()).take_while(|after| within(frames, gone, *after, settings.flash_seconds));
        after.into_iter().find(returns).map(|index| gone..=index)
    };
    boundaries.iter().filter_map(back).collect()
}

/// Whether the picture before frame `gone` is back at frame `after`.
fn is_back(frames: &[FrameFacts], gone: usize, after: usize) -> bool {
    let before = &frames[gone - 1];
    colour_distance(before, &frames[after]) < BACK * colour_distance(before, &frames[gone])
}

/// Whether at most `seconds` pass from one frame to another.
fn within(frames: &[FrameFacts], from: usize, to: usize, seconds: f64) -> bool {
    elapsed_ns(frames, from, to) <= seconds * 1e9 + SLACK_NS
}

/// Nanoseconds from one frame to another.
fn elapsed_ns(frames: &[FrameFacts], from: usize, to: usize) -> f64 {
    (frames[to].pts_ns - frames[from].pts_ns) as f64
}

/// Stretches of black between pictures.
fn fades(frames: &[FrameFacts], settings: &MotionSettings) -> Vec<Range<usize>> {
    let mut dark = Vec::new();
    let mut start = None;
    for (index, frame) in frames.iter().enumerate() {
        match (f64::from(frame.change.luma) < settings.fade_luma, start) {
            (true, None) => start = Some(index),
            (false, Some(first)) => {
                dark.push(first..index);
                start = None;
            }
            _ => {}
        }
    }
    dark.retain(|run| run.start > 0 && is_fade(frames, run, settings));
    dark
}

/// Whether darkness is a fade: neither a dark scene nor a flash of black.
fn is_fade(frames: &[FrameFacts], dark: &Range<usize>, settings: &MotionSettings) -> bool {
    let blink = within(frames, dark.start, dark.end, settings.flash_seconds) && is_back(frames, dark.start, dark.end);
    within(frames, dark.start, dark.end, settings.fade_seconds) && !blink
}

/// The boundaries that make no shot too short; the earlier one stays.
fn long_enough(frames: &[FrameFacts], boundaries: Vec<Boundary>, settings: &MotionSettings) -> Vec<Boundary> {
    let mut kept: Vec<Boundary> = Vec::new();
    for boundary in boundaries {
        let start = kept.last().map_or(0, |last| last.index);
        if elapsed_ns(frames, start, boundary.index) + SLACK_NS >= settings.min_shot_seconds * 1e9 {
            kept.push(boundary);
        }
    }
    kept
}

/// Shots between boundaries.
fn spans(frames: &[FrameFacts], boundaries: &[Boundary]) -> Vec<Span> {
    let first = Boundary { index: 0, transition: Transition::Start, exact: true };
    let starts = std::iter::once(&first).chain(boundaries);
    let ends = boundaries.iter().map(|boundary| boundary.index).chain([frames.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| Span { frames: start.index..end, transition: start.transition, exact: start.exact })
        .collect()
}

#[cfg(test)]
#[path = "shots_tests.rs"]
mod tests;
