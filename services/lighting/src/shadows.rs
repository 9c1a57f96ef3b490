//! Shadows: what the key light does not reach.
//!
//! Where a frame has light and shadow, the logarithm of its luminance has two heaps: the threshold is the valley between
//! them (Otsu), provided that they are clearly two and far enough apart. Where it has not, only what lies three stops under
//! the lit level is shadow: light that reaches a matte surface at all seldom leaves it that dark beside a lit one. Dark
//! material cannot be told from shadow on a single frame: a black coat counts.
use crate::photometry::FLOOR;
use crate::plane::Plane;
use crate::rounding::published;
use framefleet_frames::{ShadowEdge, Shadows};
use framefleet_vision::VisionError;

/// The lit level: this share of the pixels is no brighter. What is brighter are lamps and highlights.
const LIT: f64 = 0.98;
/// Depth of the histogram, stops below the lit level, and its bins per stop.
const STOPS: usize = 10;
const BINS_PER_STOP: usize = 8;
/// Two heaps explain at least this share of the variance. (Otsu's best split explains 0.64 of a normal distribution and
/// 0.75 of an even one.)
const TWO_HEAPS: f64 = 0.78;
/// Shadow under a lit level without a valley, stops.
const UNREACHED: f64 = 3.0;
/// Profiles across shadow edges: at most so many, reaching so far to either side (share of the short side).
const PROFILES: usize = 256;
const REACH: f64 = 0.12;
/// Steps of a profile, pixels of the full plane.
const STEP: f64 = 0.5;
/// Fewer profiles than this measure nothing.
const FEWEST: usize = 8;
/// Edge widths, share of the short side.
const HARD_BELOW: f64 = 0.01;
const SOFT_ABOVE: f64 = 0.04;

/// Shadows of a frame, found on `small` and their edges measured on `full`, which is the same luminance at the size of the
/// frame. Heaps closer than `least_stops` are not light and shadow.
pub fn measure(small: &Plane, full: &Plane, least_stops: f64) -> Result<Shadows, VisionError> {
    let lit = small.percentile(LIT, |_| true);
    if lit <= FLOOR {
        return Ok(Shadows::default());
    }
    let stops = threshold(small, lit, least_stops);
    let limit = (lit / stops.exp2()) as f32;
    let (mut dark, mut dark_sum, mut light_sum) = (0_usize, 0.0, 0.0);
    for &value in &small.values {
        if value < limit {
            dark += 1;
            dark_sum += f64::from(value);
        } else {
            light_sum += f64::from(value);
        }
    }
    if dark == 0 {
        return Ok(Shadows::default());
    }
    let light = light_sum / (small.values.len() - dark).max(1) as f64;
    let depth = (light.max(FLOOR) / (dark_sum / dark as f64).max(FLOOR)).log2();
    let width = edge_width(small, full, limit, depth)?;
    Ok(Shadows {
        area_share: published(dark as f64 / small.values.len() as f64),
        threshold_stops: Some(published(stops)),
        depth_stops: Some(published(depth)),
        edge_width: width.map(published),
        edge: width.map_or(ShadowEdge::Unspecified, edge_label).into(),
    })
}

/// Stops below the lit level where shadow begins.
fn threshold(plane: &Plane, lit: f64, least_stops: f64) -> f64 {
    let mut heap = [0.0_f64; STOPS * BINS_PER_STOP];
    for &value in &plane.values {
        let below = (lit / f64::from(value).max(FLOOR)).log2().max(0.0) * BINS_PER_STOP as f64;
        heap[(below as usize).min(heap.len() - 1)] += 1.0;
    }
    match valley(&heap) {
        Some(valley) if valley.explained >= TWO_HEAPS && valley.apart >= least_stops => valley.stops,
        _ => UNREACHED,
    }
}

/// The best split of a histogram in two.
struct Valley {
    /// Where, stops below the lit level.
    stops: f64,
    /// Distance between the means of both parts, stops.
    apart: f64,
    /// Share of the variance that the split explains.
    explained: f64,
}

/// Otsu's split (1979): the one with the largest variance between the parts; the middle of it where several are as good.
fn valley(heap: &[f64]) -> Option<Valley> {
    let stops_of = |bin: usize| (bin as f64 + 0.5) / BINS_PER_STOP as f64;
    let total: f64 = heap.iter().sum();
    let mean = heap.iter().enumerate().map(|(bin, count)| count * stops_of(bin)).sum::<f64>() / total;
    let variance =
        heap.iter().enumerate().map(|(bin, count)| count * (stops_of(bin) - mean).powi(2)).sum::<f64>() / total;
    let (mut weight, mut sum) = (0.0, 0.0);
    let mut best: Option<(f64, f64, usize, usize)> = None;
    for (bin, &count) in heap.iter().enumerate().take(heap.len().saturating_sub(1)) {
        weight += count / total;
        sum += count / total * stops_of(bin);
        if weight <= 0.0 || weight >= 1.0 - 1e-12 {
            continue;
        }
        let apart = (mean - sum) / (1.0 - weight) - sum / weight;
        let between = weight * (1.0 - weight) * apart * apart;
        best = match best {
            Some((value, _, first, _)) if count == 0.0 && between >= value * (1.0 - 1e-9) => {
                Some((value, apart, first, bin))
            }
            Some(kept) if kept.0 >= between => Some(kept),
            _ => Some((between, apart, bin, bin)),
        };
    }
    let (between, apart, first, last) = best?;
    let stops = (first + last + 2) as f64 / 2.0 / BINS_PER_STOP as f64;
    Some(Valley { stops, apart, explained: between / variance.max(f64::MIN_POSITIVE) })
}

/// Median 10–90 % width of the edges of the pixels below `limit`, share of the short side. Profiles run along the gradient
/// and count when they show at least half the shadow's depth.
fn edge_width(small: &Plane, full: &Plane, limit: f32, depth: f64) -> Result<Option<f64>, VisionError> {
    let scale = full.width as f64 / small.width as f64;
    let gradient = small.gradient(1.5)?;
    let border = border(small, limit);
    let mut widths: Vec<f64> = border
        .iter()
        .step_by(border.len().div_ceil(PROFILES).max(1))
        .filter_map(|&(x, y)| {
            let [dx, dy] = gradient[y * small.width + x].map(f64::from);
            let length = dx.hypot(dy);
            let start = [(x as f64 + 0.5) * scale - 0.5, (y as f64 + 0.5) * scale - 0.5];
            if length > 0.0 { profile_width(full, start, [dx / length, dy / length], depth / 2.0) } else { None }
        })
        .collect();
    if widths.len() < FEWEST {
        return Ok(None);
    }
    let middle = widths.len() / 2;
    let (_, median, _) = widths.select_nth_unstable_by(middle, f64::total_cmp);
    Ok(Some(*median / full.width.min(full.height) as f64))
}

/// Dark pixels, inside the plane, with a light neighbour.
fn border(plane: &Plane, limit: f32) -> Vec<(usize, usize)> {
    let light = |x: usize, y: usize| plane.at(x, y) >= limit;
    let inner =
        (1..plane.height.saturating_sub(1)).flat_map(|y| (1..plane.width.saturating_sub(1)).map(move |x| (x, y)));
    inner
        .filter(|&(x, y)| !light(x, y) && (light(x - 1, y) || light(x + 1, y) || light(x, y - 1) || light(x, y + 1)))
        .collect()
}

/// 10–90 % width in pixels of the edge at `start`, along `towards` (the light side); `None` when it leaves the plane at once
/// or spans less than `least_stops`.
fn profile_width(plane: &Plane, start: [f64; 2], towards: [f64; 2], least_stops: f64) -> Option<f64> {
    let steps = (REACH * plane.width.min(plane.height) as f64 / STEP).ceil() as usize;
    let side = |sign: f64| -> Vec<f64> {
        let value = |step: usize| {
            let along = sign * step as f64 * STEP;
            plane.between(start[0] + along * towards[0], start[1] + along * towards[1])
        };
        let mut values = Vec::with_capacity(steps + 1);
        values.extend((0..=steps).map_while(value));
        values
    };
    let (dark, light) = (side(-1.0), side(1.0));
    let low = dark.iter().copied().reduce(f64::min)?;
    let high = light.iter().copied().reduce(f64::max)?;
    if (high.max(FLOOR) / low.max(FLOOR)).log2() < least_stops {
        return None;
    }
    let (tenth, nine_tenths) = (low + 0.1 * (high - low), low + 0.9 * (high - low));
    let down = crossing(&dark, |value| value - tenth)?;
    let up = crossing(&light, |value| nine_tenths - value)?;
    Some((down + up).max(0.0) * STEP)
}

/// Where, in steps from the start, `left` first becomes 0 or less, interpolated; negative when that lies behind the start.
fn crossing(profile: &[f64], left: impl Fn(f64) -> f64) -> Option<f64> {
    let at = profile.iter().position(|&value| left(value) <= 0.0)?;
    if at == 0 {
        return Some(0.0);
    }
    let (before, after) = (left(profile[at - 1]), left(profile[at]));
    Some((at - 1) as f64 + before / (before - after))
}

/// Name of an edge width.
fn edge_label(width: f64) -> ShadowEdge {
    if width < HARD_BELOW {
        ShadowEdge::Hard
    } else if width > SOFT_ABOVE {
        ShadowEdge::Soft
    } else {
        ShadowEdge::Medium
    }
}
