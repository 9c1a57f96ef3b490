//! The offset of the audio: every segment of a face that moves its mouth while somebody speaks votes, and votes are weighed.
pub(crate) mod distances;
use crate::settings::SyncSettings;
use crate::tracks::{MouthObservation, Track};
use framefleet_audio_features::correlation::{Contour, LAG_NS, curve, peak, without_slow};
use framefleet_audio_features::voice::overlap_ns;
use std::ops::Range;

/// Shorter stretches are not compared, nanoseconds.
pub const SHORTEST_NS: i64 = 3_000_000_000;
/// Mouths unseen for longer, nanoseconds, end a stretch.
const GAP_NS: i64 = 500_000_000;
/// Least speech in a segment, nanoseconds.
const SPEECH_NS: i64 = 1_000_000_000;
/// A mouth whose aperture changes less (standard deviation) does not speak: what is measured then is the model's noise.
pub const STILL: f64 = 0.012;
/// Frames on both sides of a peak that belong to it.
const PEAK_FRAMES: i64 = 2;
/// Minimum time between segments, nanoseconds, and minimum number of them for an estimate of the drift.
const DRIFT_SPAN_NS: i64 = 20_000_000_000;
const DRIFT_SEGMENTS: usize = 4;
/// Segments that the first guess of a drift is made of.
const DRIFT_SAMPLE: usize = 200;

/// A stretch of a mouth beside the audio.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Index of the shot.
    pub shot: usize,
    /// Middle, nanoseconds from the item's first frame.
    pub middle_ns: i64,
    /// Correlations by offset, [`LAG_NS`] apart.
    pub curve: Vec<f64>,
    /// Where the audio fits best, nanoseconds: positive when it is ahead; `None` when it fits nowhere.
    pub offset_ns: Option<f64>,
    /// Correlation there.
    pub correlation: f64,
}

/// What a track has to say about the audio.
pub struct Compared {
    /// Stretches in which the mouth was seen well for long enough.
    pub stretches: usize,
    /// Those with movement and speech.
    pub segments: Vec<Segment>,
}

/// Compares a track with the audio.
pub fn compare(
    track: &Track,
    contour: &Contour,
    speech: &[Range<i64>],
    frame_ns: i64,
    settings: &SyncSettings,
) -> Compared {
    let mut compared = Compared { stretches: 0, segments: Vec::new() };
    let trusted: Vec<MouthObservation> =
        track.observations.iter().filter(|s| f64::from(s.confidence) >= settings.min_confidence).copied().collect();
    let length_ns = (settings.segment_seconds * 1e9) as i64;
    let max_ns = i64::from(settings.max_offset_ms) * 1_000_000;
    for stretch in trusted.chunk_by(|a, b| b.pts_ns - a.pts_ns <= GAP_NS) {
        let (times, apertures) = series(stretch);
        if times[times.len() - 1] - times[0] + frame_ns < SHORTEST_NS {
            continue;
        }
        compared.stretches += 1;
        let steady = without_slow(&times, &apertures);
        for window in windows(&times, length_ns) {
            let (times, steady) = (&times[window.clone()], &steady[window]);
            let within = times[0]..times[times.len() - 1] + frame_ns;
            if deviation(steady) < STILL || overlap_ns(speech, &within) < SPEECH_NS {
                continue;
            }
            let curve = curve(times, steady, contour, max_ns);
            let best = peak(&curve, guard(frame_ns));
            compared.segments.push(Segment {
                shot: track.shot,
                middle_ns: (within.start + within.end) / 2,
                offset_ns: best.map(|best| best.position * LAG_NS as f64 - max_ns as f64),
                correlation: best.map_or(0.0, |best| best.value),
                curve,
            });
        }
    }
    compared
}

/// Times and apertures of observations.
pub fn series(observations: &[MouthObservation]) -> (Vec<i64>, Vec<f64>) {
    observations.iter().map(|observation| (observation.pts_ns, f64::from(observation.aperture))).unzip()
}

/// Standard deviation.
pub fn deviation(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// Steps of a curve that belong to its peak, on each side.
fn guard(frame_ns: i64) -> usize {
    (PEAK_FRAMES * frame_ns / LAG_NS).max(1) as usize
}

/// Windows of a length that overlap by half and hold all of the times; one shorter one where there is less.
fn windows(times: &[i64], length_ns: i64) -> Vec<Range<usize>> {
    let (first, last) = (times[0], times[times.len() - 1]);
    let at = |ns: i64| times.partition_point(|time| *time < ns);
    let count = ((last - first - length_ns).max(0) as f64 / (length_ns as f64 / 2.0)).ceil() as i64;
    let step = if count > 0 { (last - first - length_ns) / count } else { 0 };
    (0..=count).map(|n| at(first + n * step)..at(first + n * step + length_ns + 1).min(times.len())).collect()
}

/// The offset of a shot or item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Nanoseconds, positive when the audio is ahead.
    pub offset_ns: f64,
    /// See [`framefleet_frames::AvOffset::confidence`].
    pub confidence: f64,
    /// Best value of the segments' mean curve.
    pub correlation: f64,
    /// See [`framefleet_audio_features::correlation::Peak::ratio`].
    pub ratio: f64,
    /// Change of the offset over time, and its standard error.
    pub drift: Option<(f64, f64)>,
}

/// One vote.
#[derive(Clone, Copy, Debug)]
struct Vote {
    at_ns: f64,
    offset_ns: f64,
    weight: f64,
}

/// What the segments agree on; `None` when none fits well enough.
pub fn estimate(segments: &[&Segment], frame_ns: i64, settings: &SyncSettings) -> Option<Estimate> {
    let good = |segment: &&&Segment| segment.correlation >= settings.min_correlation && segment.offset_ns.is_some();
    let good: Vec<&&Segment> = segments.iter().filter(good).collect();
    let vote = |segment: &&&Segment| Vote {
        at_ns: segment.middle_ns as f64,
        offset_ns: segment.offset_ns.unwrap_or_default(),
        weight: segment.correlation.powi(2),
    };
    let votes: Vec<Vote> = good.iter().map(vote).collect();
    let weight: f64 = votes.iter().map(|vote| vote.weight).sum();
    if votes.is_empty() {
        return None;
    }
    let offset_ns = weighted_median(votes.iter().map(|vote| (vote.offset_ns, vote.weight)).collect());
    let line = drift(&votes, frame_ns as f64);
    let certain = line.filter(|line| line.slope.abs() > 2.0 * line.error);
    let expected = |vote: &Vote| certain.map_or(offset_ns, |line| line.at(vote.at_ns));
    let agrees = |vote: &&Vote| (vote.offset_ns - expected(vote)).abs() <= frame_ns as f64;
    let agreeing: f64 = votes.iter().filter(agrees).map(|vote| vote.weight).sum();
    // Segments that fit nowhere disagree, too.
    let silent = (segments.len() - good.len()) as f64 * settings.min_correlation.powi(2);
    let correlation = good.iter().map(|segment| segment.correlation).sum::<f64>() / good.len() as f64;
    let mean: Vec<f64> = (0..good[0].curve.len())
        .map(|lag| good.iter().map(|segment| segment.curve[lag]).sum::<f64>() / good.len() as f64)
        .collect();
    Some(Estimate {
        offset_ns,
        confidence: correlation * agreeing / (weight + silent),
        correlation,
        ratio: peak(&mean, guard(frame_ns)).map_or(1.0, |peak| peak.ratio),
        drift: line.map(|line| (line.slope, line.error)),
    })
}

/// A line through votes.
#[derive(Clone, Copy, Debug)]
struct Line {
    middle_ns: f64,
    offset_ns: f64,
    slope: f64,
    error: f64,
}

impl Line {
    fn at(&self, ns: f64) -> f64 {
        self.offset_ns + self.slope * (ns - self.middle_ns)
    }
}

/// How offsets change over time: the weighted median of the slopes between pairs (Theil–Sen), then least squares through the votes
/// within a frame and a half of it. `None` when votes are too few or too close together.
fn drift(votes: &[Vote], frame_ns: f64) -> Option<Line> {
    let sample: Vec<&Vote> = votes.iter().step_by(votes.len().div_ceil(DRIFT_SAMPLE).max(1)).collect();
    let mut slopes = Vec::new();
    for (number, a) in sample.iter().enumerate() {
        let later = sample[number + 1..].iter().filter(|b| (b.at_ns - a.at_ns).abs() > DRIFT_SPAN_NS as f64 / 4.0);
        slopes.extend(later.map(|b| ((b.offset_ns - a.offset_ns) / (b.at_ns - a.at_ns), a.weight * b.weight)));
    }
    if slopes.is_empty() {
        return None;
    }
    let slope = weighted_median(slopes);
    let level = weighted_median(votes.iter().map(|vote| (vote.offset_ns - slope * vote.at_ns, vote.weight)).collect());
    let near = |vote: &&Vote| (vote.offset_ns - slope * vote.at_ns - level).abs() <= 1.5 * frame_ns;
    least_squares(&votes.iter().filter(near).copied().collect::<Vec<_>>())
}

fn least_squares(votes: &[Vote]) -> Option<Line> {
    let ends = votes.iter().map(|vote| vote.at_ns);
    let span = ends.clone().fold(f64::MIN, f64::max) - ends.fold(f64::MAX, f64::min);
    if votes.len() < DRIFT_SEGMENTS || span < DRIFT_SPAN_NS as f64 {
        return None;
    }
    let weight: f64 = votes.iter().map(|vote| vote.weight).sum();
    let mean = |value: fn(&Vote) -> f64| votes.iter().map(|vote| vote.weight * value(vote)).sum::<f64>() / weight;
    let (middle_ns, offset_ns) = (mean(|vote| vote.at_ns), mean(|vote| vote.offset_ns));
    let along: f64 = votes.iter().map(|vote| vote.weight * (vote.at_ns - middle_ns).powi(2)).sum();
    let across: f64 =
        votes.iter().map(|vote| vote.weight * (vote.at_ns - middle_ns) * (vote.offset_ns - offset_ns)).sum();
    let slope = across / along;
    let rest = |vote: &Vote| vote.weight * (vote.offset_ns - offset_ns - slope * (vote.at_ns - middle_ns)).powi(2);
    // Segments overlap by half, so there are half as many independent ones.
    let free = (votes.len() as f64 / 2.0 - 1.0).max(1.0);
    let variance = votes.iter().map(rest).sum::<f64>() / weight * votes.len() as f64 / 2.0 / free;
    let error = (variance / (along / weight * votes.len() as f64 / 2.0)).sqrt();
    Some(Line { middle_ns, offset_ns, slope, error })
}

/// The value at which half of the weight is reached; 0 for none.
fn weighted_median(mut values: Vec<(f64, f64)>) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let reached = values.iter().find(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    reached.map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests;
