//! Where shots begin: cuts by the content score with an adaptive rule (after PySceneDetect's content and adaptive
//! detectors), fades by luma or plain pictures, dissolves and wipes, a filter for flashes, and a shortest length.
use crate::gradual::{self, is_plain};
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
    /// Indices of the frames that show something of the shot before, too; empty after a cut.
    pub mixed: Range<usize>,
}

/// A place where a shot may begin.
#[derive(Clone, Debug)]
struct Boundary {
    index: usize,
    transition: Transition,
    exact: bool,
    mixed: Range<usize>,
}

impl Boundary {
    /// A cut.
    fn cut(index: usize, exact: bool) -> Self {
        Self { index, transition: Transition::Cut, exact, mixed: index..index }
    }
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
    if settings.gradual {
        add_gradual(frames, &mut boundaries);
    }
    for run in plain_runs(frames, settings) {
        add_fade(frames, &run, &mut boundaries, settings);
    }
    boundaries.sort_by_key(|boundary| boundary.index);
    spans(frames.len(), long_enough(frames, boundaries, settings))
}

/// Whether a shot may begin at a frame.
fn cut(frames: &[FrameFacts], index: usize, settings: &MotionSettings) -> Option<Boundary> {
    if let Some(score) = content(&frames[index]) {
        let usual = neighbourhood(frames, index);
        if score >= settings.cut_floor && score >= settings.cut_ratio * usual {
            return Some(Boundary::cut(index, true));
        }
    }
    let known = follows(frames, index) && content(&frames[index]).is_some();
    let apart = colour_distance(&frames[index - 1], &frames[index]);
    (!known && apart >= settings.cut_content).then(|| Boundary::cut(index, false))
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

/// Adds dissolves and wipes; what looked like cuts within them is a part of them.
fn add_gradual(frames: &[FrameFacts], boundaries: &mut Vec<Boundary>) {
    for found in gradual::transitions(frames) {
        boundaries.retain(|boundary| !found.mixed.contains(&boundary.index));
        boundaries.push(Boundary {
            index: found.middle,
            transition: found.transition,
            exact: follows(frames, found.middle),
            mixed: found.mixed,
        });
    }
}

/// Stretches of black, or of any other colour that fills the picture.
fn plain_runs(frames: &[FrameFacts], settings: &MotionSettings) -> Vec<Range<usize>> {
    let dark = |frame: &FrameFacts| f64::from(frame.change.luma) < settings.fade_luma;
    let plain = |frame: &FrameFacts| dark(frame) || (settings.gradual && is_plain(frame));
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in (0..frames.len()).filter(|index| plain(&frames[*index])) {
        match runs.last_mut() {
            Some(run) if run.end == index => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}

/// Makes one boundary of a plain stretch between two pictures, and of how they go over into it. Before the first picture and after
/// the last one there is none.
fn add_fade(frames: &[FrameFacts], run: &Range<usize>, boundaries: &mut Vec<Boundary>, settings: &MotionSettings) {
    if !within(frames, run.start, run.end.min(frames.len() - 1), settings.fade_seconds) {
        return;
    }
    let touches = |of: &Boundary| of.mixed.start <= run.end && of.mixed.end >= run.start;
    let gradual: Vec<Range<usize>> =
        boundaries.iter().filter(|of| !of.mixed.is_empty() && touches(of)).map(|of| of.mixed.clone()).collect();
    let between = run.start > 0 && run.end < frames.len();
    let is_fade = between && is_fade(frames, run, settings);
    boundaries.retain(|of| if of.mixed.is_empty() { !(is_fade && touches(of)) } else { !touches(of) });
    if is_fade {
        let index = (run.start + run.end) / 2;
        let start = gradual.iter().map(|mixed| mixed.start).fold(run.start, usize::min);
        let end = gradual.iter().map(|mixed| mixed.end).fold(run.end, usize::max);
        let exact = follows(frames, index);
        boundaries.push(Boundary { index, transition: Transition::Fade, exact, mixed: start..end });
    }
}

/// Whether a plain stretch between two pictures is a fade and no flash.
fn is_fade(frames: &[FrameFacts], run: &Range<usize>, settings: &MotionSettings) -> bool {
    let blink = within(frames, run.start, run.end, settings.flash_seconds) && is_back(frames, run.start, run.end);
    let dark = frames[run.clone()].iter().all(|frame| f64::from(frame.change.luma) < settings.fade_luma);
    !blink && (dark || !gradual::is_back(frames, run.start, run.end - 1))
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

/// Shots between boundaries, of so many frames.
fn spans(frames: usize, boundaries: Vec<Boundary>) -> Vec<Span> {
    let ends: Vec<usize> = boundaries.iter().map(|boundary| boundary.index).chain([frames]).collect();
    let first = Boundary { index: 0, transition: Transition::Start, exact: true, mixed: 0..0 };
    let span = |(start, end): (Boundary, usize)| {
        let Boundary { index, transition, exact, mixed } = start;
        Span { frames: index..end, transition, exact, mixed }
    };
    std::iter::once(first).chain(boundaries).zip(ends).map(span).collect()
}

#[cfg(test)]
#[path = "shots_tests.rs"]
mod tests;
