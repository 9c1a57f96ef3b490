//! Exposure, contrast and lightness of a frame, from its luminance histogram.
use crate::photometry::{FLOOR, Photometry, WHITE, lightness_of, log2_of};
use crate::rounding::published;
use framefleet_frames::{KeyLevel, Lighting};

/// Luminance that exposure is measured against: a grey card.
const MIDDLE_GREY: f64 = 0.18;
/// Zones of the zone system (Adams): 0 to X, zone V on [`MIDDLE_GREY`].
const ZONES: usize = 11;
/// Bins of the lightness histogram.
const LIGHTNESS_BINS: usize = 5;

/// Fills in what the histogram of a frame says: exposure, clipping, range, contrast, zones, lightness and key level.
pub fn measure(photometry: &Photometry) -> Lighting {
    let mean = photometry.mean(luminance);
    let quantile = |share| luminance(photometry.percentile(share));
    let (dark, bright) = (quantile(0.01), quantile(0.99));
    let lightness_at = |share| lightness_of(photometry.percentile(share));
    let (p10, median, p90) = (lightness_at(0.1), lightness_at(0.5), lightness_at(0.9));
    Lighting {
        exposure_ev: published((mean.max(FLOOR) / MIDDLE_GREY).log2()),
        exposure_log_ev: published(photometry.mean(log2_of) - MIDDLE_GREY.log2()),
        clipped_high: published(photometry.clipped_high as f64 / photometry.pixels().max(1) as f64),
        clipped_low: published(photometry.clipped_low as f64 / photometry.pixels().max(1) as f64),
        dynamic_range_stops: published((bright.max(FLOOR) / dark.max(FLOOR)).log2()),
        contrast_rms: published(relative_spread(photometry, mean)),
        contrast_michelson: published(ratio(bright - dark, bright + dark)),
        zones: shares::<ZONES>(photometry, zone),
        lightness_mean: published(photometry.mean(lightness_of)),
        lightness_median: published(median),
        lightness_p10: published(p10),
        lightness_p90: published(p90),
        lightness_histogram: shares::<LIGHTNESS_BINS>(photometry, lightness_bin),
        key: key_level(median, p10).into(),
        ..Lighting::default()
    }
}

/// Luminance 0..1 of a level.
fn luminance(level: usize) -> f64 {
    level as f64 / WHITE
}

/// Standard deviation of luminance over its mean.
fn relative_spread(photometry: &Photometry, mean: f64) -> f64 {
    ratio(photometry.mean(|level| (luminance(level) - mean).powi(2)).sqrt(), mean)
}

/// `over / under`, 0 where there is nothing to divide by.
fn ratio(over: f64, under: f64) -> f64 {
    if under > 0.0 { over / under } else { 0.0 }
}

/// Zone of a level: one stop each.
fn zone(level: usize) -> usize {
    let stops = log2_of(level) - MIDDLE_GREY.log2();
    (stops + 5.0).round().clamp(0.0, (ZONES - 1) as f64) as usize
}

/// Bin of a level in the lightness histogram.
fn lightness_bin(level: usize) -> usize {
    let width = 100.0 / LIGHTNESS_BINS as f64;
    ((lightness_of(level) / width) as usize).min(LIGHTNESS_BINS - 1)
}

/// Shares of pixels per bin.
fn shares<const BINS: usize>(photometry: &Photometry, bin: impl Fn(usize) -> usize) -> Vec<f32> {
    let mut counts = [0_u64; BINS];
    for (level, count) in photometry.levels() {
        counts[bin(level)] += u64::from(count);
    }
    counts.iter().map(|&count| published(count as f64 / photometry.pixels().max(1) as f64)).collect()
}

/// High-key pictures are light even in their darker parts; low-key ones are dark in most of theirs.
fn key_level(median: f64, p10: f64) -> KeyLevel {
    if median < 30.0 {
        KeyLevel::Low
    } else if median > 65.0 && p10 > 30.0 {
        KeyLevel::High
    } else {
        KeyLevel::Normal
    }
}
